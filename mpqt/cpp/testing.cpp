// For tests: QML test cases inside a test binary, and access to an object's meta-object as C++ has
// it.

#include <QtCore/QMetaMethod>
#include <QtCore/QObject>
#include <QtQuickTest/quicktest.h>

extern "C" {

// Runs every tst_*.qml below `folder` and returns the number of functions that failed.
int mpqt_quick_test_main(int argc, char **argv, const char *name, const char *folder)
{
    return quick_test_main(argc, argv, name, folder);
}

// Returns whether C++ can connect to a signal with this signature, such as `add_two_finished(int)`.
bool mpqt_has_signal(const QMetaObject *metaObject, const char *signature)
{
    return metaObject->indexOfSignal(QMetaObject::normalizedSignature(signature)) >= 0;
}

bool mpqt_has_method(const QMetaObject *metaObject, const char *signature)
{
    return metaObject->indexOfMethod(QMetaObject::normalizedSignature(signature)) >= 0;
}

} // extern "C"
