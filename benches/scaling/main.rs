//! How cost grows with each size of the job: `cargo bench --bench scaling [-- DIR]` prints a table and writes
//! `scaling.json` and `scaling.svg` into DIR, by default `target/scaling`. With `ONELAYER_MILLION=1` in the
//! environment it also measures a million images on disk, 3 GB in DIR for as long as that takes. With `-- --simulate` it
//! prints how a step would scale on more cores than there are. Under `cargo test` it measures a few small jobs, once.

mod job;
mod record;
mod simulation;

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use onelayer::bench::roofline::{self, Budget, Numbers};
use onelayer::data::{Dataset, Source, SplitFiles, layout};
use onelayer::engine::{Isa, Team};
use onelayer::machine::MachineRecord;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use job::{Axis, Job, Pool};
use record::{Point, ScalingRecord};

/// The values of each axis, besides the lab's own; threads also get this machine's cores.
const VALUES: [(Axis, &[usize]); 6] = [
    (Axis::Images, &[1000, 2000, 5000, 10_000, 20_000, 50_000]),
    (Axis::Columns, &[2, 4, 8, 10, 16, 20, 32, 40, 64, 100, 128, 256, 512, 1000]),
    (Axis::Batch, &[1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000]),
    (Axis::Features, &[64, 192, 768, 1536, 3072, 6144, 12_288, 49_152]),
    (Axis::Threads, &[1, 2, 3, 4, 8]),
    (Axis::Shuffled, &[1]),
];
/// The images of the set on disk, and the variable that asks for it.
const MILLION: usize = 1_000_000;
const ASK: &str = "ONELAYER_MILLION";

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let cores = MachineRecord::here().cores;
    // Cargo says `--bench` where it is to measure.
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if !arguments.iter().any(|argument| argument == "--bench") {
        return try_out(cores);
    }
    if arguments.iter().any(|argument| argument == "--simulate") {
        return simulation::print(Budget { each: Duration::from_millis(200), repetitions: (5, 1001) });
    }
    let folder = arguments.iter().find(|argument| !argument.starts_with('-'));
    let folder = folder.map_or_else(|| PathBuf::from("target/scaling"), PathBuf::from);
    fs::create_dir_all(&folder)?;
    let budget = Budget { each: Duration::from_millis(600), repetitions: (5, 101) };

    let lab = Job::lab(cores);
    let mut record = ScalingRecord { machine: MachineRecord::here(), peak: peak(cores)?, points: Vec::new() };
    let pool = Pool::new(50_000 * lab.features);
    for (axis, values) in VALUES {
        for &value in values {
            let job = lab.with(axis, value);
            let (epoch, evaluation) = pool.with(&job, |samples| job.time(samples, budget))?;
            eprintln!("{} {value}", axis.name());
            record.points.push(Point { axis, value, job, epoch, evaluation });
        }
    }
    drop(pool);
    if std::env::var(ASK).is_ok_and(|value| value == "1") {
        record.points.push(million(&folder, lab)?);
    } else {
        println!("Left out: a million images, 3 GB on disk. {ASK}=1 measures them too.\n");
    }

    record.points.sort_by_key(|point| point.axis != Axis::Images);
    println!("{}", record.table().markdown());
    fs::write(folder.join("scaling.json"), serde_json::to_vec_pretty(&record)?)?;
    fs::write(folder.join("scaling.svg"), record.figure())?;
    println!("written to {}", folder.display());
    Ok(())
}

/// The f32 peak of so many threads.
fn peak(threads: usize) -> Outcome<f64> {
    let fastest = Isa::fastest();
    let budget = Budget { each: Duration::from_millis(80), repetitions: (3, 101) };
    let team = Team::new(threads.try_into()?)?;
    let roofline = roofline::measure(&[fastest], &mut [team], budget)?;
    Ok(roofline.peak(Numbers::F32, fastest.name(), threads).unwrap_or(f64::NAN))
}

/// A few jobs of a thousand images, and the figure and the table of them.
fn try_out(cores: usize) -> Outcome<()> {
    let budget = Budget { each: Duration::ZERO, repetitions: (1, 1) };
    let lab = Job::lab(cores).with(Axis::Images, 1000);
    let pool = Pool::new(1000 * lab.features);
    let mut record = ScalingRecord { machine: MachineRecord::here(), peak: f64::NAN, points: Vec::new() };
    for (axis, value) in [(Axis::Images, 1000), (Axis::Batch, 7), (Axis::Threads, 3), (Axis::Shuffled, 1)] {
        let job = lab.with(axis, value);
        let (epoch, evaluation) = pool.with(&job, |samples| job.time(samples, budget))?;
        record.points.push(Point { axis, value, job, epoch, evaluation });
    }
    println!("{}", record.table().text());
    simulation::print(budget)?;
    assert_eq!(record.table().rows.len(), record.points.len());
    assert_eq!(record.figure().matches("<circle").count(), 2 * 3, "two dots on each of three panels");
    assert_eq!(lab.with(Axis::Images, 10).batch, 10, "no batch is larger than an epoch");
    let wide = lab.with(Axis::Columns, 1000);
    assert!(wide.columns() == 1000 && wide.classes <= 256, "runs of at most 256 classes");
    Ok(())
}

/// A million random images, mapped from a file: read once, so that they lie in the page cache as far as it goes.
fn million(folder: &Path, lab: Job) -> Outcome<Point> {
    let folder = folder.join("million");
    fs::create_dir_all(&folder)?;
    let outcome = write_million(&folder).and_then(|()| time_million(&folder, lab));
    fs::remove_dir_all(&folder)?;
    outcome
}

fn write_million(folder: &Path) -> Outcome<()> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(0);
    let mut chunk = vec![0; 1000 * layout::RECORD];
    let mut fill = |chunk: &mut [u8]| {
        random.fill_bytes(chunk);
        chunk.iter_mut().step_by(layout::RECORD).for_each(|label| *label %= 10);
    };
    let mut file = File::create(folder.join("data_batch_1.bin"))?;
    for _ in 0..MILLION / 1000 {
        fill(&mut chunk);
        file.write_all(&chunk)?;
    }
    file.sync_all()?;
    for name in ["data_batch_2.bin", "test_batch.bin"] {
        fs::write(folder.join(name), &chunk)?;
    }
    Ok(())
}

fn time_million(folder: &Path, lab: Job) -> Outcome<Point> {
    let dataset = Dataset::open(&Source::Folder(folder.into()), &SplitFiles::default())?;
    let job = lab.with(Axis::Images, MILLION);
    let budget = Budget { each: Duration::from_secs(5), repetitions: (5, 101) };
    let before = anonymous_memory();
    let (most, done) = (AtomicUsize::new(before), AtomicBool::new(false));
    let (epoch, evaluation) = thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                most.fetch_max(anonymous_memory(), Ordering::Relaxed);
                thread::sleep(Duration::from_millis(10));
            }
        });
        let timed = job.time(&dataset.train.samples(), budget);
        done.store(true, Ordering::Relaxed);
        timed
    })?;
    let grown = (most.into_inner() - before) as f64 / MILLION as f64;
    println!("A million images: anonymous memory grew by {grown:.2} bytes an image.");
    Ok(Point { axis: Axis::Images, value: MILLION, job, epoch, evaluation })
}

/// The memory of this process that is no file's, in bytes; 0 where the system does not tell.
fn anonymous_memory() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<usize>().ok());
    kilobytes.unwrap_or(0) << 10
}
