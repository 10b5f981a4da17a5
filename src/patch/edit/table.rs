//! Columns as text/tabwriter lays them out.

/// A cell; the last one of a row ends with the line and needs no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cell {
    /// Its characters.
    pub(crate) width: usize,
    /// Whether its column stays where all cells are empty.
    pub(crate) hard: bool,
}

/// Where every cell of every row begins.
pub(crate) fn starts(rows: &[&[Cell]]) -> Vec<Vec<usize>> {
    let mut widths: Vec<Vec<usize>> = rows.iter().map(|r| vec![0; r.len()]).collect();
    let deepest = rows.iter().map(|r| r.len()).max().unwrap_or(0);
    // Blocks of one column nest in those of the columns before it.
    let mut blocks: Vec<std::ops::Range<usize>> = std::iter::once(0..rows.len()).collect();
    for column in 0..deepest {
        let mut inner = Vec::new();
        for block in blocks {
            let mut at = block.start;
            while at < block.end {
                if column + 1 >= rows[at].len() {
                    at += 1;
                    continue;
                }
                let to = (at..block.end).find(|i| column + 1 >= rows[*i].len()).unwrap_or(block.end);
                let cells = rows[at..to].iter().map(|r| r[column]);
                let needed = cells.clone().any(|c| c.width > 0 || c.hard);
                let width = if needed { cells.map(|c| c.width + 1).max().unwrap_or(0) } else { 0 };
                widths[at..to].iter_mut().for_each(|w| w[column] = width);
                inner.push(at..to);
                at = to;
            }
        }
        blocks = inner;
    }
    let sum = |row: Vec<usize>| {
        let add = |at: &mut usize, width: usize| {
            let start = *at;
            *at += width;
            Some(start)
        };
        row.into_iter().scan(0, add).collect()
    };
    widths.into_iter().map(sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_block() {
        let cell = |width| Cell { width, hard: false };
        let rows = [vec![cell(1), cell(3), cell(1)], vec![cell(4), cell(1)], vec![cell(2), cell(5), cell(1)], vec![cell(9)]];
        let rows: Vec<&[Cell]> = rows.iter().map(Vec::as_slice).collect();
        assert_eq!(starts(&rows), [vec![0, 5, 9], vec![0, 5], vec![0, 5, 11], vec![0]]);
        // A column of nothing takes no room.
        let rows = [vec![cell(1), cell(0), cell(1)]];
        assert_eq!(starts(&[&rows[0]]), [vec![0, 2, 2]]);
    }
}
