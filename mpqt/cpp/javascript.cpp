// Errors for the calling JavaScript, warnings, and objects that the garbage collector must keep.

#include <QtCore/QObject>
#include <QtQml/QJSEngine>
#include <QtQml/QJSValue>
#include <QtQml/QQmlInfo>

extern "C" {

// Throws an error in the JavaScript that is calling a method of `object`. Returns false if there
// can be no JavaScript, because the object has no engine.
bool mpqt_throw(QObject *object, bool type_error, const QString *message)
{
    QJSEngine *engine = object ? qjsEngine(object) : nullptr;
    if (!engine)
        return false;
    engine->throwError(type_error ? QJSValue::TypeError : QJSValue::GenericError, *message);
    return true;
}

// Makes Rust the owner of the object, not the garbage collector.
void mpqt_keep(QObject *object)
{
    QJSEngine::setObjectOwnership(object, QJSEngine::CppOwnership);
}

// Prints a warning, with the object's place in its QML document if it is in one.
void mpqt_warn(QObject *object, const QString *message)
{
    if (object)
        qmlWarning(object) << qUtf8Printable(*message);
    else
        qWarning("%s", qUtf8Printable(*message));
}

} // extern "C"
