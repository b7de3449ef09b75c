//! YAML with the place of every key and value, and typed reading that reports what does not fit.

mod parse;
mod read;
mod tree;

pub(super) use parse::parse;
pub(super) use read::{
    boolean, check_keys, entries, items, name_of, number, only_keys, spanned_texts, text, text_list,
};
pub(super) use tree::{Data, Entry, Yaml};
