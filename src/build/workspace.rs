//! Everything a run works with.

use std::path::PathBuf;
use std::sync::Arc;

use crate::base::clock::Clock;
use crate::base::progress::Progress;
use crate::engine::Engine;
use crate::project::Project;
use crate::warehouse::Warehouse;

/// A loaded project, its warehouse and the engine between them.
pub(crate) struct Workspace {
    pub(crate) project: Project,
    pub(crate) warehouse: Warehouse,
    pub(crate) engine: Engine,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) progress: Arc<dyn Progress>,
    /// The base of every relative path.
    pub(crate) base_dir: PathBuf,
    pub(crate) threads: usize,
}
