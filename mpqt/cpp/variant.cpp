// Access to the content of a QVariant, and of its lists and maps, for the conversion to and from
// serde.

#include <QtCore/QByteArray>
#include <QtCore/QMetaType>
#include <QtCore/QString>
#include <QtCore/QVariant>
#include <QtQml/QJSValue>

namespace {

// `convert/variant.rs` relies on this order.
enum Kind { Undefined, Null, Bool, Signed, Unsigned, Double, String, Bytes, List, Map, Other };

} // namespace

extern "C" {

// A value passed by JavaScript is unpacked first, in place.
int mpqt_variant_kind(QVariant *value)
{
    if (value->metaType() == QMetaType::fromType<QJSValue>()) {
        const QJSValue script = value->value<QJSValue>();
        if (script.isUndefined())
            return Undefined;
        if (script.isNull())
            return Null;
        if (script.isCallable())
            return Other;
        *value = script.toVariant();
    }
    if (!value->isValid())
        return Undefined;
    switch (value->metaType().id()) {
    case QMetaType::Nullptr:
        return Null;
    case QMetaType::Bool:
        return Bool;
    case QMetaType::Char:
    case QMetaType::SChar:
    case QMetaType::Short:
    case QMetaType::Int:
    case QMetaType::Long:
    case QMetaType::LongLong:
        return Signed;
    case QMetaType::UChar:
    case QMetaType::UShort:
    case QMetaType::UInt:
    case QMetaType::ULong:
    case QMetaType::ULongLong:
        return Unsigned;
    case QMetaType::Float:
    case QMetaType::Double:
        return Double;
    case QMetaType::QString:
        return String;
    case QMetaType::QByteArray:
        return Bytes;
    case QMetaType::QVariantList:
        return List;
    case QMetaType::QVariantMap:
    case QMetaType::QVariantHash:
        return Map;
    default:
        break;
    }
    if (value->metaType().flags() & QMetaType::PointerToQObject)
        return Other;
    if (value->canConvert<QVariantList>())
        return List;
    if (value->canConvert<QVariantMap>())
        return Map;
    // Dates, URLs and enumerators are converted to text.
    if (value->canConvert<QString>())
        return String;
    return Other;
}

bool mpqt_variant_to_bool(const QVariant *value)
{
    return value->toBool();
}

qint64 mpqt_variant_to_signed(const QVariant *value)
{
    return value->toLongLong();
}

quint64 mpqt_variant_to_unsigned(const QVariant *value)
{
    return value->toULongLong();
}

double mpqt_variant_to_double(const QVariant *value)
{
    return value->toDouble();
}

void mpqt_variant_to_string(const QVariant *value, QString *string)
{
    *string = value->toString();
}

void mpqt_variant_to_bytes(const QVariant *value, QByteArray *bytes)
{
    *bytes = value->toByteArray();
}

void mpqt_variant_to_list(const QVariant *value, QVariantList *list)
{
    *list = value->toList();
}

void mpqt_variant_to_map(const QVariant *value, QVariantMap *map)
{
    *map = value->toMap();
}

// Returns the name of the type, for messages.
void mpqt_variant_type_name(const QVariant *value, QString *name)
{
    *name = value->metaType() == QMetaType::fromType<QJSValue>()
        ? QStringLiteral("function")
        : QString::fromLatin1(value->typeName());
}

void mpqt_variant_set_null(QVariant *value)
{
    *value = QVariant::fromValue(nullptr);
}

void mpqt_variant_set_signed(QVariant *value, qint64 number)
{
    *value = QVariant::fromValue(number);
}

void mpqt_variant_set_unsigned(QVariant *value, quint64 number)
{
    *value = QVariant::fromValue(number);
}

void mpqt_list_reserve(QVariantList *list, size_t count)
{
    list->reserve(qsizetype(count));
}

// Moves the value, which is invalid afterwards.
void mpqt_list_push(QVariantList *list, QVariant *value)
{
    list->append(std::move(*value));
}

void mpqt_map_insert(QVariantMap *map, const QString *key, QVariant *value)
{
    map->insert(*key, std::move(*value));
}

} // extern "C"
