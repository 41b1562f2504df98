// Errors for the JavaScript that called.

#include <QtCore/QObject>
#include <QtQml/QJSEngine>
#include <QtQml/QJSValue>
#include <QtQml/QQmlInfo>

extern "C" {

// Raises an error in the JavaScript that is calling a method of `object`. False where no JavaScript
// can be: the object has no engine.
bool mpqt_throw(QObject *object, bool type_error, const QString *message)
{
    QJSEngine *engine = object ? qjsEngine(object) : nullptr;
    if (!engine)
        return false;
    engine->throwError(type_error ? QJSValue::TypeError : QJSValue::GenericError, *message);
    return true;
}

// The object belongs to Rust, not to the garbage collector.
void mpqt_keep(QObject *object)
{
    QJSEngine::setObjectOwnership(object, QJSEngine::CppOwnership);
}

// A warning that names the place of the object in its QML document, if it is in one.
void mpqt_warn(QObject *object, const QString *message)
{
    if (object)
        qmlWarning(object) << qUtf8Printable(*message);
    else
        qWarning("%s", qUtf8Printable(*message));
}

} // extern "C"
