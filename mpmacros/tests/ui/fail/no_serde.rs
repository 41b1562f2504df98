#[derive(Clone, Default)]
pub struct Reading(f64);

mod argument {
    #[mpcore::process]
    pub trait Laser {
        fn fire(&mut self, times: u8, reading: super::Reading) -> u8;
    }
}

mod result {
    #[mpcore::process]
    pub trait Laser {
        #[signal]
        fn fire(&mut self) -> Vec<super::Reading>;
    }
}

mod ok {
    #[mpcore::process]
    pub trait Laser {
        #[signal]
        fn fire(&mut self) -> Result<super::Reading, String>;
    }
}

mod property {
    #[mpcore::process]
    pub trait Laser {
        #[property(write)]
        fn power(&self) -> super::Reading;
    }
}

mod property_with_default {
    #[mpcore::process]
    pub trait Laser {
        #[property(default = super::Reading(1.0))]
        fn power(&self) -> super::Reading;
    }
}

mod event {
    #[mpcore::process]
    pub trait Laser {
        #[event]
        fn fired(&self, times: u8, reading: super::Reading);
    }
}

mod config {
    #[mpcore::process(config = super::Reading)]
    pub trait Laser {
        fn fire(&mut self);
    }
}

fn main() {}
