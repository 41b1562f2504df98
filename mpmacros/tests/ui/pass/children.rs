//! Every form of a child.

#[derive(serde::Serialize, serde::Deserialize)]
pub struct Settings {
    gain: f64,
}

pub mod interface {
    #[mpcore::process(config = super::Settings)]
    pub trait Device {
        fn gain(&mut self) -> f64;
        /// A provided command.
        fn twice(&mut self) -> f64 {
            self.gain() * 2.0
        }
        /// With `mut`, which concerns only the body.
        fn counted(&mut self, mut from: u8) -> u8 {
            from += 1;
            from
        }
    }
}

use interface::{Device, DeviceContext};

#[derive(mpcore::Child)]
#[child(interface::Device)]
struct Everything {
    cx: DeviceContext,
    config: Settings,
    #[child(default)]
    count: u64,
    #[child(default = vec![1, 2])]
    list: Vec<u8>,
}

#[derive(mpcore::Child)]
#[child(Device)]
struct Renamed {
    #[child(cx)]
    context: interface::DeviceContext,
    #[child(config)]
    settings: Settings,
    /// The attribute counts, not the name.
    #[child(default = 3.0)]
    config: f64,
}

#[derive(mpcore::Child)]
#[child(Device)]
struct Nothing;

#[derive(mpcore::Child)]
#[child(Device, new = Opened::open)]
struct Opened(f64);

impl Opened {
    fn open(cx: DeviceContext, config: Settings) -> mpcore::Result<Self> {
        let _ = cx;
        if config.gain < 0.0 {
            return Err(std::io::Error::other("negative gain").into());
        }
        Ok(Opened(config.gain))
    }
}

#[derive(mpcore::Child)]
#[child(Device, new = open,)]
struct Named {
    gain: f64,
}

fn open(_: DeviceContext, config: Settings) -> mpcore::Result<Named> {
    Ok(Named { gain: config.gain })
}

impl Device for Everything {
    fn gain(&mut self) -> f64 {
        let _ = self.cx.clone();
        self.config.gain + self.count as f64 + self.list.len() as f64
    }
}
impl Device for Renamed {
    fn gain(&mut self) -> f64 {
        let _ = self.context.clone();
        self.settings.gain + self.config
    }
}
impl Device for Nothing {
    fn gain(&mut self) -> f64 {
        1.0
    }
}
impl Device for Opened {
    fn gain(&mut self) -> f64 {
        self.0
    }
}
impl Device for Named {
    fn gain(&mut self) -> f64 {
        self.gain
    }
}

fn main() {
    fn is_child<C: mpcore::Child<Interface = dyn Device>>() {}
    is_child::<Everything>();
    is_child::<Renamed>();
    is_child::<Nothing>();
    is_child::<Opened>();
    is_child::<Named>();
}
