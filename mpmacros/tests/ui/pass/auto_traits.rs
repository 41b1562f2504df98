//! Generated types are Clone, Debug, Send and Sync, whatever the payload types are.

use serde::{Deserialize, Serialize};

/// Neither Clone nor Debug nor Sync.
#[derive(Default, Serialize, Deserialize)]
pub struct Plain(std::cell::Cell<u8>);

#[mpcore::process]
pub trait Device {
    #[signal]
    fn command(&mut self, plain: Plain) -> Plain;
    #[event]
    fn event(&self, plain: Plain);
}

fn shared<T: Clone + std::fmt::Debug + Send + Sync + 'static>() {}
fn sent<T: Send>(_: fn() -> T) {}

fn main() {
    shared::<DeviceControl>();
    shared::<DeviceSignals>();
    shared::<DeviceContext>();
    shared::<DeviceBlocking<'static>>();
    sent::<mpcore::Call<Plain>>(|| unreachable!());
}
