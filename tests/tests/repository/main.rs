//! What the repository says of itself, compared with its sources: nothing here starts a child.

mod architecture;
mod language;
mod packages;
mod pages;
mod protocol;
mod public_items;
mod rooms;
