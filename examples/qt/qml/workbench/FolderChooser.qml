import QtQuick
import QtQuick.Dialogs

// A dialog for a folder, which takes and reports paths and not URLs.
FolderDialog {
    signal chosen(string folder)

    function openAt(folder) {
        if (folder.startsWith("/"))
            currentFolder = "file://" + folder.split("/").map(encodeURIComponent).join("/")
        open()
    }

    // A path is needed, not a URL; on Windows the URL has a slash before the drive.
    onAccepted: chosen(decodeURIComponent(String(selectedFolder).replace(/^file:\/\/(\/(?=[A-Za-z]:))?/, "")))
}
