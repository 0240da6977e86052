//! Ten minutes of five nodes whose shared store fails, hangs and forgets, and whose messages get lost,
//! in a moment of paused time.
//!
//! The world has one true version of each key. Writers raise it and tell the cache; readers ask and
//! compare. What they may be served depends on the class of the space alone. Values are set and loaded for hours and for
//! a moment, deleted by key, by many, by prefix and by tag; some lie sealed.

mod cut_off;
mod store;
mod world;

use std::time::Duration;

use world::{Outcome, World};

#[expect(clippy::print_stdout, reason = "the figures are for people")]
#[tokio::test(start_paused = true)]
async fn five_nodes_for_ten_minutes_serve_nothing_stale_beyond_its_bound() {
    let Outcome {
        reads,
        stale,
        stats,
    } = World::new(1, Weather::STORM)
        .run(Duration::from_secs(600))
        .await;
    println!("{reads} reads, {stale} of them stale within their bound; {stats}");
    assert!(reads > 50_000, "it was too quiet: {reads}");
    assert!(stale > 0, "the weather was too good to show anything");
}

/// The same nodes with nothing in their way: what is told is known at once.
#[tokio::test(start_paused = true)]
async fn in_good_weather_everybody_hears_of_everything() {
    let world = World::new(7, Weather::FAIR);
    let outcome = world.run(Duration::from_secs(60)).await;
    let stats = outcome.stats;
    assert_eq!(stats.faults, 0);
    // What others did while a node began to listen.
    assert!(stats.gaps <= 5, "{stats}");
    assert!(stats.memory_hits > stats.loads, "{stats}");
}

/// Whose clock is right matters only for which of two values is the later one, and here none are set.
#[tokio::test(start_paused = true)]
async fn nodes_whose_clocks_differ_and_whose_loads_outlast_everything_serve_nothing_stale() {
    let weather = Weather {
        slow_loads: 0.01,
        slowest_load: Duration::from_secs(600),
        clocks: Duration::from_secs(50),
        ..Weather::STORM
    };
    let outcome = World::new(3, weather).run(Duration::from_secs(900)).await;
    let reads = outcome.reads;
    assert!(reads > 50_000, "it was too quiet: {reads}");
}

/// What goes wrong, and how often.
#[derive(Clone, Copy)]
struct Weather {
    /// Of all messages to one node.
    lost: f64,
    /// Of all calls to the store.
    failing: f64,
    /// The longest time a call or a message takes.
    delay: Duration,
    /// Of all loads.
    failing_loads: f64,
    /// Of all loads.
    slow_loads: f64,
    /// The longest time that one of these takes.
    slowest_load: Duration,
    /// How far the clocks of nodes are apart at most.
    clocks: Duration,
    /// How often, on average, one node is cut off from the store for some seconds.
    cuts: Duration,
    /// How often, on average, the store forgets everything.
    flushes: Duration,
}

impl Weather {
    const STORM: Self = Self {
        lost: 0.2,
        failing: 0.05,
        failing_loads: 0.3,
        slow_loads: 0.0,
        slowest_load: Duration::ZERO,
        clocks: Duration::ZERO,
        delay: Duration::from_millis(40),
        cuts: Duration::from_secs(20),
        flushes: Duration::from_secs(90),
    };

    const FAIR: Self = Self {
        lost: 0.0,
        failing: 0.0,
        failing_loads: 0.0,
        slow_loads: 0.0,
        slowest_load: Duration::ZERO,
        clocks: Duration::ZERO,
        delay: Duration::from_millis(5),
        cuts: Duration::MAX,
        flushes: Duration::MAX,
    };
}
