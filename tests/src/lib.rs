//! Interfaces and children that the whole-system tests share.
