//! Registers a child: converts its types into functions without type parameters.

use std::any::TypeId;

use crate::child::interface::{Child, Interface};
use crate::child::serve::serve;
use crate::child::startup::registry::Registration;
use crate::wire::interface::description::InterfaceTable;

impl Registration {
    /// Returns the registration of a child.
    #[must_use]
    pub const fn of<P: Child>() -> Self {
        Self {
            id: TypeId::of::<P>,
            name: std::any::type_name::<P>,
            place: P::__PLACE,
            table: table::<P>,
            serve: serve::<P>,
        }
    }
}

/// Creates the table of a child's interface.
pub(crate) fn table<P: Child>() -> InterfaceTable {
    InterfaceTable::new(P::Interface::NAME, P::Interface::__describe)
}
