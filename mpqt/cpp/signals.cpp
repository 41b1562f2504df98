// Tells whether a signal has a listener: without one its arguments need not be converted.

#include <QtCore/QMetaMethod>
#include <QtCore/QObject>

#include <cstring>

namespace {

class Listened : public QObject
{
public:
    static bool to(const QObject *object, const QMetaMethod &signal)
    {
        // Protected, because a class should ask only about its own signals; these objects are ours.
        return (object->*(&Listened::isSignalConnected))(signal);
    }
};

} // namespace

extern "C" {

// Returns the index of the class's own signal of this name, or -1.
int mpqt_signal_index(const QMetaObject *metaObject, const char *name, size_t length)
{
    for (int index = metaObject->methodOffset(); index < metaObject->methodCount(); ++index) {
        const QMetaMethod method = metaObject->method(index);
        if (method.methodType() == QMetaMethod::Signal && size_t(method.name().size()) == length
            && std::memcmp(method.name().constData(), name, length) == 0)
            return index;
    }
    return -1;
}

// Returns whether C++, a handler in QML, or a binding to the signal's property listens to it.
bool mpqt_is_listened_to(const QObject *object, int index)
{
    return Listened::to(object, object->metaObject()->method(index));
}

} // extern "C"
