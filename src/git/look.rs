//! Looking at many paths of many trees: whether there is a file, and what is in its way.

use std::collections::HashMap;
use std::rc::Rc;

use git2::Oid;

use super::objects::{Mode, Objects, ObjectsError, blob_id};
use crate::names::{BlobId, RelPath, TreeId};

/// What is at a path of a tree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Look {
    /// A file.
    File(Mode, BlobId),
    /// A folder.
    Folder,
    /// Nothing; a file could be made there.
    Nothing,
    /// Nothing, and something that is no folder is in the way: the path up to it, and its mode.
    Blocked(String, Mode),
}

impl Objects {
    /// True where the blob is here.
    pub fn has_blob(&self, id: &BlobId) -> Result<bool, ObjectsError> {
        let odb = self.repo().odb().map_err(|e| self.fail(&e))?;
        Ok(odb.exists(self.oid(id.as_str())?))
    }
}

/// Looks at the same paths of many trees. Releases share most folders, and a folder is read once.
pub struct Looker<'o> {
    objects: &'o Objects,
    /// Every path and every folder above one; the first is the root.
    nodes: Vec<Node>,
    folders: HashMap<(Oid, usize), Found>,
    trees: HashMap<TreeId, Rc<[Look]>>,
}

/// What is at a part of the paths.
type Found = Rc<[(usize, Look)]>;

/// A path, or a folder above paths.
#[derive(Default)]
struct Node {
    name: String,
    /// From the root.
    full: String,
    /// Its place among the paths, where it is one of them.
    path: Option<usize>,
    below: Vec<usize>,
}

impl<'o> Looker<'o> {
    /// For these paths.
    pub fn new(objects: &'o Objects, paths: &[RelPath]) -> Self {
        let mut nodes = vec![Node::default()];
        for (index, path) in paths.iter().enumerate() {
            let mut at = 0;
            for name in path.as_str().split('/') {
                let known = nodes[at].below.iter().copied().find(|below| nodes[*below].name == name);
                at = known.unwrap_or_else(|| {
                    let above = &nodes[at].full;
                    let full = if at == 0 { name.to_owned() } else { format!("{above}/{name}") };
                    nodes.push(Node { name: name.to_owned(), full, ..Node::default() });
                    let new = nodes.len() - 1;
                    nodes[at].below.push(new);
                    new
                });
            }
            nodes[at].path = Some(index);
        }
        Self { objects, nodes, folders: HashMap::new(), trees: HashMap::new() }
    }

    /// What is at each path, in their order.
    pub fn look(&mut self, tree: &TreeId) -> Result<Rc<[Look]>, ObjectsError> {
        if let Some(known) = self.trees.get(tree) {
            return Ok(Rc::clone(known));
        }
        let mut found = self.folder(self.objects.oid(tree.as_str())?, 0)?.to_vec();
        found.sort_unstable_by_key(|(path, _)| *path);
        let looks: Rc<[Look]> = found.into_iter().map(|(_, look)| look).collect();
        self.trees.insert(tree.clone(), Rc::clone(&looks));
        Ok(looks)
    }

    fn folder(&mut self, id: Oid, node: usize) -> Result<Found, ObjectsError> {
        if let Some(known) = self.folders.get(&(id, node)) {
            return Ok(Rc::clone(known));
        }
        let tree = self.objects.repo().find_tree(id).map_err(|e| self.objects.find(&id.to_string(), &e))?;
        let mut found = Vec::new();
        for below in self.nodes[node].below.clone() {
            let Some(entry) = tree.get_name(&self.nodes[below].name) else {
                self.all_below(below, &Look::Nothing, &mut found);
                continue;
            };
            let file = Mode::from_bits(entry.filemode_raw());
            if let Some(path) = self.nodes[below].path {
                found.push((path, file.map_or(Look::Folder, |mode| Look::File(mode, blob_id(entry.id())))));
            }
            match file {
                _ if self.nodes[below].below.is_empty() => {}
                Some(mode) => {
                    let blocked = Look::Blocked(self.nodes[below].full.clone(), mode);
                    for under in self.nodes[below].below.clone() {
                        self.all_below(under, &blocked, &mut found);
                    }
                }
                None => found.extend(self.folder(entry.id(), below)?.iter().cloned()),
            }
        }
        let found: Found = found.into();
        self.folders.insert((id, node), Rc::clone(&found));
        Ok(found)
    }

    /// The same for a path and for all below it.
    fn all_below(&self, node: usize, look: &Look, found: &mut Vec<(usize, Look)>) {
        found.extend(self.nodes[node].path.map(|path| (path, look.clone())));
        for below in &self.nodes[node].below {
            self.all_below(*below, look, found);
        }
    }
}
