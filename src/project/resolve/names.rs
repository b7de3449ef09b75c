//! The names that `ref` and `source` understand.

use super::super::graph::Materialization;
use super::super::jinja::{Found, Lookup, Relation};
use super::declare::{Declared, Purpose};

impl Declared {
    /// What `ref` and `source` lead to.
    pub(super) fn lookup(&self) -> Lookup {
        let mut lookup = Lookup { package: self.project.clone(), ..Lookup::default() };
        for seed in &self.seeds {
            let name = seed.file.stem().to_owned();
            if seed.enabled {
                let relation = Relation::table(&seed.table);
                lookup.refs.insert(name, Found { id: seed.id.clone(), relation });
            } else {
                lookup.disabled.insert(name);
            }
        }
        for node in self.sql.iter().filter(|node| node.purpose == Purpose::Model) {
            let (Some(table), name) = (&node.table, node.name().to_owned()) else { continue };
            if !node.enabled {
                lookup.disabled.insert(name);
                continue;
            }
            let relation = match node.materialization {
                Materialization::Ephemeral => Relation::cte(&name),
                Materialization::View => Relation { kind: "view", ..Relation::table(table) },
                Materialization::Table | Materialization::Incremental => Relation::table(table),
            };
            lookup.refs.insert(name, Found { id: node.id.clone(), relation });
        }
        for source in &self.sources {
            let key = (source.properties.source.clone(), source.properties.table.clone());
            if source.enabled {
                let relation = Relation::table(&source.table);
                lookup.sources.insert(key, Found { id: source.id.clone(), relation });
            } else {
                lookup.disabled_sources.insert(key);
            }
        }
        lookup
    }
}
