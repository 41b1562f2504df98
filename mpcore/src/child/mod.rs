//! The child's side of a call: requests lane → decode → handler → outcome → events lane.
//!
//! [`init`](mod@init) finds out whether this process is a child, and serves until the child ends;
//! [`startup`] is what it knows before the child's types: how it was started, which child it is,
//! and the limits that it sets itself. [`serve`] is one run: constructor, `postrun_init`, commands
//! one at a time on the main thread, `cleanup`. [`link`] is the state that the child's threads
//! share, with the running command; [`context`] is the API for the user's code, on any thread.
//! [`control`] is the second thread, which receives stop, cancel and credit while a command runs.
//! [`request`] decodes the arguments of a command and encodes its outcome, [`panic`](mod@panic)
//! guards the user's code, [`registration`] turns a child's types into functions without type
//! parameters, and [`traced`] has the spans of the main thread.
//!
//! It does not import `controller`, with one exception: an [`interface`] names its control. The
//! controller reads [`startup`], because the same program may be controller and child.

pub(crate) mod context;
pub(crate) mod control;
pub(crate) mod init;
pub(crate) mod interface;
pub(crate) mod link;
pub(crate) mod panic;
pub(crate) mod registration;
pub(crate) mod request;
pub(crate) mod serve;
pub(crate) mod startup;
pub(crate) mod traced;
