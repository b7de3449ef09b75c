//! The server as its clients see it: over a socket.

mod answers;
mod auth;
mod client;
mod docs;
mod exploring;
mod forms;
mod frame;
mod mcp;
mod operating;
mod problems;
mod shop;
mod swapping;
mod tls;
