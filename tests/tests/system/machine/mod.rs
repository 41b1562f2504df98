//! What surrounds controller and child: other programs, users, terminals, standard streams, limits,
//! debuggers, forks, shortages.

mod bad_input;
mod debugging;
mod forks;
mod identity;
mod limits;
mod neighbours;
mod output;
mod security;
mod shortages;
mod stdio;
mod strangers;
mod terminal;
