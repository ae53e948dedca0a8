//! Taking pages that a device may have pinned (direct I/O): what it writes later would be lost. Such
//! pages are moved away instead of being protected, which the kernel refuses for pinned ones.

use super::Content;
use super::local::{LocalError, LocalMemory, failed};
use crate::coherence::{PAGE_SIZE, Page};
use crate::memory::mover::{MoveError, Moved, Mover, ROOM};

const SIZE: u64 = PAGE_SIZE as u64;

impl From<MoveError> for LocalError {
    fn from(e: MoveError) -> Self {
        match e {
            MoveError::Helper(e) => e.into(),
            e => failed(&e),
        }
    }
}

impl LocalMemory {
    /// From now on no pinned page is taken. False: this kernel, or this process, offers no way.
    pub fn watch_pins(&mut self) -> Result<bool, LocalError> {
        let Some(there) = self.uffd_there.filter(|_| self.mover.is_none()) else {
            return Ok(self.mover.is_some());
        };
        let scratch = (self.pid, self.stub.ranges());
        match Mover::prepare(&mut self.helper, &self.uffd, there, scratch) {
            Ok(mover) => self.mover = Some(mover),
            Err(MoveError::Room(_)) => {}
            Err(e) => return Err(e.into()),
        }
        Ok(self.mover.is_some())
    }

    /// Has the helper close its descriptor, so that our own is the last: with the last one watching
    /// ends, and at that moment everybody can rely on it.
    pub fn close_there(&mut self) {
        if let Some(there) = self.uffd_there.take() {
            // A helper that is gone has closed it too.
            let _ = self.helper.call(libc::SYS_close, &[there]);
        }
    }

    /// Takes `count` pages from `first` on out of this memory, with their content. `None`: the page
    /// is pinned, and stays as it is. Pages of memory that no device can write to are taken as ever.
    ///
    /// # Panics
    /// Without [`LocalMemory::watch_pins`], or for more than [`ROOM`] pages.
    pub fn surrender_unpinned(
        &mut self,
        first: Page,
        count: usize,
    ) -> Result<Vec<Option<Content>>, LocalError> {
        let addr = first * SIZE;
        let populated = self.pagemap.populated(addr, count)?;
        let here: Vec<u64> = (0..count)
            .filter(|i| populated[*i])
            .map(|i| addr + i as u64 * SIZE)
            .collect();
        assert!(here.len() <= ROOM, "more pages than fit");
        let mover = self.mover.take().expect("pins are watched");
        let moved = mover.take(&mut self.helper, &here);
        let taken = moved
            .map_err(LocalError::from)
            .and_then(|moved| self.read_moved(&mover, &here, moved));
        self.mover = Some(mover);
        let mut taken = taken?.into_iter();
        let content = |there: &bool| match there {
            true => taken.next().expect("one for each page that is there"),
            false => Some(Content::Zero),
        };
        Ok(populated.iter().map(content).collect())
    }

    fn read_moved(
        &mut self,
        mover: &Mover,
        here: &[u64],
        moved: Vec<Moved>,
    ) -> Result<Vec<Option<Content>>, LocalError> {
        let mut contents = Vec::new();
        for (&page, outcome) in here.iter().zip(&moved) {
            contents.push(match outcome {
                Moved::To(at) => Some(Content::of(self.read(&[(*at, PAGE_SIZE)])?)),
                Moved::Not => None,
                Moved::Never => self.take_as_ever(page)?,
            });
        }
        mover.drop_moved(&mut self.helper, &moved)?;
        Ok(contents)
    }

    /// Protects, reads and drops a page; `None`: its mapping is just changing.
    fn take_as_ever(&mut self, addr: u64) -> Result<Option<Content>, LocalError> {
        use crate::coherence::TakeMode::Give;
        match self.surrender(addr / SIZE, 1, Give, true) {
            Ok(mut contents) => Ok(contents.pop()),
            Err(LocalError::Busy | LocalError::Unmapped(_)) => Ok(None),
            Err(e) => Err(e),
        }
    }
}
