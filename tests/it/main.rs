//! The program as its users meet it, in one binary.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that fails should say where")]

mod access;
mod build;
mod cases;
mod dbt_tests;
mod failures;
mod hostile;
mod ingest;
mod init;
mod layers;
mod openapi;
mod report;
mod shop;
mod shop_reference;
mod support;
mod validate;
mod verdicts;
mod versions;
