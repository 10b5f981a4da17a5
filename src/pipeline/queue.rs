//! Work side by side, in groups: a group's first piece goes ahead until it opens the group for the others. What can begin
//! begins in the order in which it was given.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// One group.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// How many pieces it has.
    pub(super) pieces: usize,
    /// Whether no two of them may be at work together.
    pub(super) one_by_one: bool,
}

/// What one worker has to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    /// The group.
    pub(super) group: usize,
    /// Its place in the group.
    pub(super) index: usize,
}

/// Whether there is to be another piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Yes.
    Go,
    /// No: nothing begins any more, and groups that are not done are not closed.
    Stop,
}

/// Does a piece; the second argument opens its group.
pub(super) type Work<'a> = dyn Fn(Piece, &dyn Fn()) -> Next + Sync + 'a;

#[derive(Debug, Clone, Copy, Default)]
struct Progress {
    begun: usize,
    running: usize,
    open: bool,
}

struct Queue<'a> {
    shapes: &'a [Shape],
    state: Mutex<(Vec<Progress>, Next)>,
    changed: Condvar,
}

/// Does every piece, at most `jobs` at once; one of them in this thread. `close` is called for each group that is done.
pub(super) fn run(jobs: usize, shapes: &[Shape], work: &Work<'_>, close: &(dyn Fn(usize) + Sync)) {
    let queue = Queue { shapes, state: Mutex::new((vec![Progress::default(); shapes.len()], Next::Go)), changed: Condvar::new() };
    let worker = || {
        while let Some(piece) = queue.take() {
            let mut ended = Ended { queue: &queue, piece, next: Next::Stop, group_done: false };
            ended.next = work(piece, &|| queue.open(piece.group));
            if ended.tell() {
                close(piece.group);
            }
        }
    };
    let all: usize = shapes.iter().map(|shape| shape.pieces).sum();
    std::thread::scope(|scope| {
        for _ in 1..jobs.min(all) {
            // Where the system has no more threads, the work is done by those that there are.
            let _ = std::thread::Builder::new().name("build".into()).spawn_scoped(scope, worker);
        }
        worker();
    });
}

impl Queue<'_> {
    fn state(&self) -> MutexGuard<'_, (Vec<Progress>, Next)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next piece that can begin; waits for it, and gives none where there is nothing more to begin.
    fn take(&self) -> Option<Piece> {
        let mut state = self.state();
        loop {
            let (groups, next) = &mut *state;
            if *next == Next::Stop {
                return None;
            }
            let left = |(shape, at): (&Shape, &Progress)| at.begun < shape.pieces;
            let can_begin = |pair: (&Shape, &Progress)| {
                let (shape, at) = pair;
                left(pair) && (at.begun == 0 || at.open) && !(shape.one_by_one && at.running > 0)
            };
            if let Some(group) = self.shapes.iter().zip(groups.iter()).position(can_begin) {
                let at = &mut groups[group];
                let piece = Piece { group, index: at.begun };
                at.begun += 1;
                at.running += 1;
                return Some(piece);
            }
            if !self.shapes.iter().zip(groups.iter()).any(left) {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn open(&self, group: usize) {
        self.state().0[group].open = true;
        self.changed.notify_all();
    }
}

/// The end of a piece, told also where its work panics: the other workers would wait for ever.
struct Ended<'a, 'q> {
    queue: &'a Queue<'q>,
    piece: Piece,
    next: Next,
    group_done: bool,
}

impl Ended<'_, '_> {
    /// True where its group is done with it.
    fn tell(mut self) -> bool {
        self.note();
        let done = self.group_done;
        std::mem::forget(self);
        done
    }

    fn note(&mut self) {
        let mut state = self.queue.state();
        let (groups, next) = &mut *state;
        if self.next == Next::Stop {
            *next = Next::Stop;
        }
        let at = &mut groups[self.piece.group];
        at.running -= 1;
        at.open = true;
        self.group_done = *next == Next::Go && at.running == 0 && at.begun == self.queue.shapes[self.piece.group].pieces;
        drop(state);
        self.queue.changed.notify_all();
    }
}

impl Drop for Ended<'_, '_> {
    fn drop(&mut self) {
        self.note();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    const FREE: Shape = Shape { pieces: 3, one_by_one: false };

    #[test]
    fn one_worker_keeps_the_order() {
        let told = Mutex::new(Vec::new());
        let work = |piece: Piece, _: &dyn Fn()| {
            told.lock().unwrap().push(format!("{}.{}", piece.group, piece.index));
            Next::Go
        };
        let shapes = [Shape { pieces: 2, one_by_one: true }, Shape { pieces: 0, one_by_one: false }, FREE];
        run(1, &shapes, &work, &|group| told.lock().unwrap().push(format!("close {group}")));
        assert_eq!(told.into_inner().unwrap(), ["0.0", "0.1", "close 0", "2.0", "2.1", "2.2", "close 2"]);
    }

    #[test]
    fn the_first_of_a_group_goes_ahead_and_others_do_not_wait_for_it() {
        let (opened, most, now) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
        let work = |piece: Piece, open: &dyn Fn()| {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            let bit = 1 << piece.group;
            if piece.index == 0 {
                std::thread::sleep(Duration::from_millis(30));
                opened.fetch_or(bit, Ordering::SeqCst);
                open();
            }
            assert!(opened.load(Ordering::SeqCst) & bit != 0, "{piece:?} came before its group was open");
            std::thread::sleep(Duration::from_millis(30));
            now.fetch_sub(1, Ordering::SeqCst);
            Next::Go
        };
        let closed = AtomicUsize::new(0);
        run(4, &[FREE, FREE], &work, &|_| {
            closed.fetch_add(1, Ordering::SeqCst);
        });
        assert!((2..=4).contains(&most.load(Ordering::SeqCst)));
        assert_eq!(closed.into_inner(), 2);
    }

    #[test]
    fn one_by_one_is_never_two_and_a_stop_is_the_end() {
        let (now, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let work = |piece: Piece, open: &dyn Fn()| {
            open();
            assert_eq!(now.fetch_add(1, Ordering::SeqCst), 0);
            std::thread::sleep(Duration::from_millis(10));
            now.fetch_sub(1, Ordering::SeqCst);
            done.fetch_add(1, Ordering::SeqCst);
            if piece.index == 1 { Next::Stop } else { Next::Go }
        };
        run(4, &[Shape { pieces: 4, one_by_one: true }], &work, &|_| panic!("it is not done"));
        assert_eq!(done.into_inner(), 2);
    }

    #[test]
    fn a_panic_keeps_nobody_waiting() {
        let work = |piece: Piece, _: &dyn Fn()| {
            assert!(piece.index > 0, "on purpose");
            Next::Go
        };
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(3, &[FREE], &work, &|_| ()))).unwrap_err();
    }
}
