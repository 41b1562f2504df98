//! Stand-in until the tracer lands.
pub(crate) fn shape_of<T: serde::de::DeserializeOwned>() -> String {
    std::any::type_name::<T>().into()
}
