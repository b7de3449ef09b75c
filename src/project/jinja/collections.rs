//! Lists and dicts that templates can change in place, as Python's can.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use minijinja::value::{Enumerator, Object, ObjectRepr, Value, ValueKind, from_args};
use minijinja::{Error, ErrorKind, State};

/// How deep lists and dicts may hold one another: they are walked and dropped by recursion.
const DEPTH_MAX: usize = 64;

/// What a template wrote as `[…]`.
pub(super) struct List(Mutex<Vec<Value>>);

/// What a template wrote as `{…}`; keys differ and keep their order.
pub(super) struct Dict(Mutex<Vec<(Value, Value)>>);

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn list(items: &Value) -> Result<Value, Error> {
    Ok(Value::from_object(List(Mutex::new(items.try_iter()?.collect()))))
}

pub(super) fn dict(entries: &Value) -> Result<Value, Error> {
    let keys: Vec<Value> = entries.try_iter()?.collect();
    let pairs: Result<Vec<_>, Error> =
        keys.into_iter().map(|key| Ok((key.clone(), entries.get_item(&key)?))).collect();
    Ok(Value::from_object(Dict(Mutex::new(pairs?))))
}

/// Refuses a tower of containers, and any container that is locked: the one that it is stored in.
fn storable(value: &Value) -> Result<Value, Error> {
    fn depth(value: &Value, left: usize) -> bool {
        let Some(left) = left.checked_sub(1) else { return false };
        if let Some(list) = value.downcast_object_ref::<List>() {
            let Ok(items) = list.0.try_lock() else { return false };
            return items.iter().all(|item| depth(item, left));
        }
        if let Some(dict) = value.downcast_object_ref::<Dict>() {
            let Ok(pairs) = dict.0.try_lock() else { return false };
            return pairs.iter().all(|(_, item)| depth(item, left));
        }
        true
    }
    if depth(value, DEPTH_MAX) {
        return Ok(value.clone());
    }
    let message = format!("lists and dicts nest more than {DEPTH_MAX} deep");
    Err(Error::new(ErrorKind::InvalidOperation, message))
}

impl fmt::Debug for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(held(&self.0).iter()).finish()
    }
}

impl Object for List {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let items = held(&self.0);
        let index = i64::try_from(key.clone()).ok()?;
        items.get(place(index, items.len())?).cloned()
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(held(&self.0).clone())
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        Some(held(&self.0).len())
    }

    fn call_method(
        self: &Arc<Self>,
        _state: &mut State<'_, '_>,
        method: &str,
        arguments: &[Value],
    ) -> Result<Value, Error> {
        match method {
            "append" => {
                let (item,) = from_args::<(&Value,)>(arguments)?;
                self.put(usize::MAX, item)
            }
            "insert" => {
                let (index, item) = from_args::<(i64, &Value)>(arguments)?;
                let length = held(&self.0).len();
                self.put(place(index, length).unwrap_or(0), item)
            }
            "extend" => {
                let (more,) = from_args::<(&Value,)>(arguments)?;
                for item in more.try_iter()?.collect::<Vec<_>>() {
                    self.put(usize::MAX, &item)?;
                }
                Ok(Value::from(()))
            }
            "pop" => self.pop(arguments),
            "remove" => self.remove(arguments),
            "reverse" => {
                held(&self.0).reverse();
                Ok(Value::from(()))
            }
            "sort" => {
                // Comparing may look into this very list, so not while it is locked.
                let mut items = held(&self.0).clone();
                items.sort();
                *held(&self.0) = items;
                Ok(Value::from(()))
            }
            "clear" => {
                held(&self.0).clear();
                Ok(Value::from(()))
            }
            "copy" => list(&Value::from_dyn_object(self.clone())),
            "index" => self.find(arguments).map(Value::from),
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }
}

impl List {
    /// Puts `item` before place `index`, at the end at most.
    fn put(&self, index: usize, item: &Value) -> Result<Value, Error> {
        let mut items = held(&self.0);
        // Checked while the list is locked, so that one that would hold itself is refused.
        let item = storable(item)?;
        let index = index.min(items.len());
        items.insert(index, item);
        Ok(Value::from(()))
    }

    fn pop(&self, arguments: &[Value]) -> Result<Value, Error> {
        let (index,) = from_args::<(Option<i64>,)>(arguments)?;
        let mut items = held(&self.0);
        match place(index.unwrap_or(-1), items.len()).filter(|&index| index < items.len()) {
            Some(index) => Ok(items.remove(index)),
            None => Err(Error::new(ErrorKind::InvalidOperation, "pop from outside of the list")),
        }
    }

    fn remove(&self, arguments: &[Value]) -> Result<Value, Error> {
        let index = self.find(arguments)?;
        held(&self.0).remove(index);
        Ok(Value::from(()))
    }

    fn find(&self, arguments: &[Value]) -> Result<usize, Error> {
        let (item,) = from_args::<(&Value,)>(arguments)?;
        let items = held(&self.0).clone();
        let missing = || format!("`{item}` is not in the list");
        let found = items.iter().position(|candidate| candidate == item);
        found.ok_or_else(|| Error::new(ErrorKind::InvalidOperation, missing()))
    }
}

/// The place of Python's index, which counts from the end where it is negative.
fn place(index: i64, length: usize) -> Option<usize> {
    match usize::try_from(index) {
        Ok(index) => Some(index),
        Err(_) => length.checked_sub(usize::try_from(index.checked_neg()?).ok()?),
    }
}

impl fmt::Debug for Dict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(held(&self.0).iter().map(|(key, value)| (key, value))).finish()
    }
}

impl Object for Dict {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        if unhashable(key) {
            return None;
        }
        held(&self.0).iter().find(|(known, _)| known == key).map(|(_, value)| value.clone())
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(held(&self.0).iter().map(|(key, _)| key.clone()).collect())
    }

    fn call_method(
        self: &Arc<Self>,
        _state: &mut State<'_, '_>,
        method: &str,
        arguments: &[Value],
    ) -> Result<Value, Error> {
        match method {
            "update" => {
                let (more,) = from_args::<(&Value,)>(arguments)?;
                for key in more.try_iter()?.collect::<Vec<_>>() {
                    self.set(&key, &more.get_item(&key)?)?;
                }
                Ok(Value::from(()))
            }
            "setdefault" => {
                let (key, default) = from_args::<(&Value, Option<&Value>)>(arguments)?;
                if let Some(value) = self.get_value(key) {
                    return Ok(value);
                }
                let default = default.cloned().unwrap_or_else(|| Value::from(()));
                self.set(key, &default)?;
                Ok(default)
            }
            "pop" => self.pop(arguments),
            "clear" => {
                held(&self.0).clear();
                Ok(Value::from(()))
            }
            "copy" => dict(&Value::from_dyn_object(self.clone())),
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }
}

impl Dict {
    fn set(&self, key: &Value, value: &Value) -> Result<(), Error> {
        if unhashable(key) {
            return Err(Error::new(ErrorKind::InvalidOperation, "a list or dict cannot be a key"));
        }
        let mut pairs = held(&self.0);
        // Locked, so that a dict that would hold itself is refused.
        let value = storable(value)?;
        match pairs.iter_mut().find(|(known, _)| known == key) {
            Some((_, place)) => *place = value,
            None => pairs.push((key.clone(), value)),
        }
        Ok(())
    }

    fn pop(&self, arguments: &[Value]) -> Result<Value, Error> {
        let (key, default) = from_args::<(&Value, Option<&Value>)>(arguments)?;
        let hashable = !unhashable(key);
        let mut pairs = held(&self.0);
        let place = pairs.iter().position(|(known, _)| hashable && known == key);
        match (place, default) {
            (Some(index), _) => Ok(pairs.remove(index).1),
            (None, Some(default)) => Ok(default.clone()),
            (None, None) => {
                let message = format!("the dict has no key `{key}`");
                Err(Error::new(ErrorKind::InvalidOperation, message))
            }
        }
    }
}

/// Comparing such a key could look into the dict while it is locked; Python refuses them, too.
fn unhashable(key: &Value) -> bool {
    matches!(key.kind(), ValueKind::Seq | ValueKind::Map | ValueKind::Iterable)
}
