mod event {
    #[mpcore::process]
    pub trait Laser {
        #[event]
        fn exception_raised(&self, text: String);
    }
}

mod signal {
    #[mpcore::process]
    pub trait Laser {
        #[signal(name = "exception_raised")]
        fn fire(&mut self);
        #[property(notify = "exception_raised")]
        fn power(&self) -> f64;
    }
}

fn main() {}
