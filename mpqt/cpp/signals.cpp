// Whether anybody listens to a signal: what nobody hears need not be converted.

#include <QtCore/QMetaMethod>
#include <QtCore/QObject>

#include <cstring>

namespace {

class Listened : public QObject
{
public:
    static bool to(const QObject *object, const QMetaMethod &signal)
    {
        // Protected, for a class is to ask about its own signals; these objects are ours.
        return (object->*(&Listened::isSignalConnected))(signal);
    }
};

} // namespace

extern "C" {

// The number of the class's own signal of this name, or -1.
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

// By C++, by a handler in QML, or by a binding to the property of which this is the signal.
bool mpqt_is_listened_to(const QObject *object, int index)
{
    return Listened::to(object, object->metaObject()->method(index));
}

} // extern "C"
