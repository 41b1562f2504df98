// For tests: QML test cases inside a test binary, and a look at an object from C++.

#include <QtCore/QMetaMethod>
#include <QtCore/QObject>
#include <QtQuickTest/quicktest.h>

extern "C" {

// Runs every tst_*.qml below `folder`; the number of functions that failed.
int mpqt_quick_test_main(int argc, char **argv, const char *name, const char *folder)
{
    return quick_test_main(argc, argv, name, folder);
}

// Whether C++ can connect to the signal by this signature, `add_two_finished(int)`.
bool mpqt_has_signal(const QMetaObject *metaObject, const char *signature)
{
    return metaObject->indexOfSignal(QMetaObject::normalizedSignature(signature)) >= 0;
}

bool mpqt_has_method(const QMetaObject *metaObject, const char *signature)
{
    return metaObject->indexOfMethod(QMetaObject::normalizedSignature(signature)) >= 0;
}

} // extern "C"
