//! YAML with the place of every key and value, and typed reading that reports what does not fit.

mod parse;
mod read;
mod tree;

pub(super) use parse::parse;
pub(super) use read::{
    boolean, check_keys, entries, items, name_of, number, text, text_list, texts_of_mapping,
};
pub(super) use tree::{Data, Entry, Yaml};
