//! The numbers of arguments that commands, events and signals may have, defined once.

/// Calls `$macro` for each number of arguments from 0 to 16, with type and value names.
macro_rules! for_each_arity {
    ($macro:ident) => {
        $macro!();
        $macro!(A a);
        $macro!(A a, B b);
        $macro!(A a, B b, C c);
        $macro!(A a, B b, C c, D d);
        $macro!(A a, B b, C c, D d, E e);
        $macro!(A a, B b, C c, D d, E e, F f);
        $macro!(A a, B b, C c, D d, E e, F f, G g);
        $macro!(A a, B b, C c, D d, E e, F f, G g, H h);
        $macro!(A a, B b, C c, D d, E e, F f, G g, H h, I i);
        $macro!(A a, B b, C c, D d, E e, F f, G g, H h, I i, J j);
        $macro!(A a, B b, C c, D d, E e, F f, G g, H h, I i, J j, K k);
        $macro!(A a, B b, C c, D d, E e, F f, G g, H h, I i, J j, K k, L l);
        $macro!(A a, B b, C c, D d, E e, F f, G g, H h, I i, J j, K k, L l, M m);
        $macro!(A a, B b, C c, D d, E e, F f, G g, H h, I i, J j, K k, L l, M m, N n);
        $macro!(A a, B b, C c, D d, E e, F f, G g, H h, I i, J j, K k, L l, M m, N n, O o);
        $macro!(A a, B b, C c, D d, E e, F f, G g, H h, I i, J j, K k, L l, M m, N n, O o, P p);
    };
}
pub(crate) use for_each_arity;
