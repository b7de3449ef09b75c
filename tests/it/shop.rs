//! The bundled project.
