//! What users and the project test with: scripted children, fault plans, the fuzzer.

mod faults;
mod fuzz;
mod script;
