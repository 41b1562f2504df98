//! Checks a picture of the workbench for text and a plot.

use std::fs::File;
use std::io::BufReader;
use std::ops::Range;
use std::path::Path;

/// A region of a window of its initial size.
#[derive(Debug, Clone)]
struct Region {
    name: &'static str,
    x: Range<usize>,
    y: Range<usize>,
}

const PLOT: Region = Region { name: "the plot", x: 32..660, y: 86..252 };

/// Colours of the light theme, for processors and memory, and the least number of columns in which
/// each must appear. The line of an idle machine may be mostly hidden behind the other one.
const LINES: [([u8; 3], usize); 2] = [([0x2f, 0x62, 0xe0], 10), ([0x0b, 0x9b, 0x84], 60)];

/// Regions with text, and the least number of changes between dark and light in each.
const TEXTS: [(Region, usize); 4] = [
    (Region { name: "the heading", x: 16..380, y: 14..44 }, 300),
    (Region { name: "the table of files", x: 36..560, y: 460..706 }, 2000),
    (Region { name: "the children", x: 680..1180, y: 180..350 }, 1000),
    (Region { name: "the exceptions", x: 680..1180, y: 415..450 }, 300),
];

/// The pixels of a PNG file.
#[derive(Debug, Clone)]
pub(crate) struct Picture {
    width: usize,
    pixels: Vec<[u8; 3]>,
}

impl Picture {
    pub(crate) fn read(path: &Path) -> Self {
        let mut decoder = png::Decoder::new(BufReader::new(File::open(path).unwrap()));
        decoder.set_transformations(png::Transformations::normalize_to_color8());
        let mut reader = decoder.read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut bytes).unwrap();
        let samples = info.color_type.samples();
        assert!(samples >= 3, "{info:?}");
        let pixels = bytes[..info.buffer_size()].chunks_exact(samples);
        let pixels = pixels.map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
        Self { width: info.width as usize, pixels }
    }

    pub(crate) fn size(&self) -> (usize, usize) {
        (self.width, self.pixels.len() / self.width)
    }

    /// Reports what is missing.
    pub(crate) fn check(&self) -> Result<(), String> {
        for (line, at_least) in LINES {
            let near = |pixel: &[u8; 3]| pixel.iter().zip(line).all(|(a, b)| a.abs_diff(b) < 40);
            // Counts columns, so that one thick stroke does not pass as a line.
            let columns =
                PLOT.x.clone().filter(|x| PLOT.y.clone().any(|y| near(self.pixel(*x, y))));
            let columns = columns.count();
            if columns < at_least {
                return Err(format!("{}: {columns} columns with the colour {line:?}", PLOT.name));
            }
        }
        for (region, at_least) in &TEXTS {
            let changes: usize = region.y.clone().map(|y| self.changes(&region.x, y)).sum();
            if changes < *at_least {
                return Err(format!("{}: {changes} changes of contrast", region.name));
            }
        }
        Ok(())
    }

    /// How often a row changes from dark to light or back.
    fn changes(&self, x: &Range<usize>, y: usize) -> usize {
        let dark =
            |x: usize| self.pixel(x, y).iter().map(|it| u32::from(*it)).sum::<u32>() < 3 * 190;
        x.clone().zip(x.clone().skip(1)).filter(|(left, right)| dark(*left) != dark(*right)).count()
    }

    fn pixel(&self, x: usize, y: usize) -> &[u8; 3] {
        &self.pixels[y * self.width + x]
    }

    /// The same picture with one part removed, for each part.
    pub(crate) fn incomplete(&self) -> impl Iterator<Item = Self> {
        let regions = TEXTS.iter().map(|(region, _)| region).chain([&PLOT]);
        regions.map(|region| self.painted_over(region))
    }

    fn painted_over(&self, region: &Region) -> Self {
        let mut picture = self.clone();
        for y in region.y.clone() {
            picture.pixels[y * self.width..][region.x.clone()].fill([0xff; 3]);
        }
        picture
    }
}
