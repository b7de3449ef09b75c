//! `endpoints:` as written.

use super::super::configuration::Configuration;
use super::super::yaml::{self, Yaml};
use crate::base::{Diagnostics, Span};

#[derive(Clone, Debug)]
pub(in crate::project) struct EndpointProperties {
    pub(in crate::project) name: String,
    pub(in crate::project) span: Span,
    pub(in crate::project) description: (String, Option<Span>),
    pub(in crate::project) written: Yaml,
    pub(in crate::project) parameters: Vec<Yaml>,
}

const KNOWN: [&str; 12] = [
    "name",
    "description",
    "parameters",
    "order_by",
    "page",
    "scope",
    "row_filters",
    "cache",
    "config",
    "tags",
    "meta",
    "docs",
];

pub(super) fn read(item: &Yaml, problems: &mut Diagnostics) -> Option<EndpointProperties> {
    let (name, span) = yaml::name_of(item, "an endpoint", problems)?;
    yaml::only_keys(item, "an endpoint", &KNOWN, problems);
    Some(EndpointProperties {
        name,
        span,
        description: super::description(item, problems),
        written: item.clone(),
        parameters: super::list(item, "parameters", problems),
    })
}

impl EndpointProperties {
    pub(in crate::project) fn configure(&self, configuration: &mut Configuration) {
        super::nodes::configure(&self.written, configuration);
    }
}
