//! The server as its clients see it: over a socket.

mod answers;
mod auth;
mod client;
mod docs;
mod forms;
mod frame;
mod operating;
mod problems;
mod shop;
mod swapping;
