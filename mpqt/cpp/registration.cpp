// Registers a QML type whose objects are notified when their component is complete, and types that
// QML knows only through properties.
//
// QML finds an object's QQmlParserStatus at an offset from the object. The classes that
// `derive(QObject)` makes have none, so one is placed behind the object in the same memory block,
// which QML allocates with the registered size.

#include <QtCore/QMetaType>
#include <QtCore/QObject>
#include <QtQml/QQmlParserStatus>
#include <QtQml/qqml.h>
#include <QtQml/qqmlprivate.h>

#include <new>

namespace {

class Completion : public QQmlParserStatus
{
public:
    Completion(void *object, void (*complete)(void *)) : object(object), complete(complete) { }

    void classBegin() override { }
    void componentComplete() override { complete(object); }

private:
    void *object;
    void (*complete)(void *);
};

size_t completionOffset(size_t objectSize)
{
    const size_t align = alignof(Completion);
    return (objectSize + align - 1) / align * align;
}

Completion *completionOf(void *object, size_t objectSize)
{
    return reinterpret_cast<Completion *>(static_cast<char *>(object) + completionOffset(objectSize));
}

// Returns the fields that both kinds of registration share.
QQmlPrivate::RegisterType registration(const char *uri, int major, int minor,
                                       const QMetaObject *metaObject, int metaTypeId)
{
    QQmlPrivate::RegisterType type = {};
    type.typeId = QMetaType(metaTypeId);
    type.uri = uri;
    type.version = QTypeRevision::fromVersion(major, minor);
    type.metaObject = metaObject;
    type.parserStatusCast = -1;
    type.valueSourceCast = -1;
    type.valueInterceptorCast = -1;
#if QT_VERSION >= QT_VERSION_CHECK(6, 3, 0)
    type.structVersion = 1;
    type.finalizerCast = -1;
#endif
    return type;
}

} // namespace

extern "C" {

// `create` makes the object in the given memory, which has room for the completion at its end.
int mpqt_register_type(const char *uri, int major, int minor, const char *name,
                       const QMetaObject *metaObject, int metaTypeId, size_t objectSize,
                       void (*create)(void *, void *))
{
    if (QMetaType(metaTypeId).metaObject() != metaObject)
        qWarning("mpqt: two objects are called %s, but Qt identifies classes by their unqualified "
                 "names: rename one of the structs", metaObject->className());
    QQmlPrivate::RegisterType type = registration(uri, major, minor, metaObject, metaTypeId);
    type.objectSize = int(completionOffset(objectSize) + sizeof(Completion));
    type.create = create;
    type.elementName = name;
    type.parserStatusCast = int(completionOffset(objectSize));
    return QQmlPrivate::qmlregister(QQmlPrivate::TypeRegistration, &type);
}

// Registers a type that QML cannot create, but whose members it may set through a property:
// `process.onReady:`.
int mpqt_register_part(const char *uri, const QMetaObject *metaObject, int metaTypeId)
{
    QQmlPrivate::RegisterType type = registration(uri, 1, 0, metaObject, metaTypeId);
    return QQmlPrivate::qmlregister(QQmlPrivate::TypeRegistration, &type);
}

void mpqt_completion_new(void *object, size_t objectSize, void (*complete)(void *))
{
    new (completionOf(object, objectSize)) Completion(object, complete);
}

// Called while the object is being destroyed.
void mpqt_completion_delete(void *object, size_t objectSize)
{
    completionOf(object, objectSize)->~Completion();
    QQmlPrivate::qdeclarativeelement_destructor(static_cast<QObject *>(object));
}

} // extern "C"
