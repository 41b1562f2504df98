mod dash {
    #[mpcore::process(postfix = "-done")]
    pub trait Laser {
        #[signal]
        fn fire(&mut self);
    }
}

mod empty {
    #[mpcore::process(postfix = "")]
    pub trait Laser {
        #[signal]
        fn fire(&mut self);
    }
}

fn main() {}
