//! What the periodic task computes: an integer PI controller and its plant.
//!
//! A plant whose speed follows its drive with a lag stands for a motor. That the speed settles shows
//! that no period was computed twice or dropped; integers keep the guest free of vector state.

/// Wanted speed, in the plant's units.
pub const SET_POINT: i64 = 10_000;

/// Drive for a speed, from the error and its running sum.
#[derive(Clone, Copy, Debug, Default)]
pub struct Controller {
    sum: i64,
}

impl Controller {
    /// One period: the drive for the measured `speed`.
    pub fn step(&mut self, speed: i64) -> i64 {
        let error = SET_POINT - speed;
        // The sum is clamped, so a plant that cannot follow does not wind it up.
        self.sum = (self.sum + error).clamp(-64 * SET_POINT, 64 * SET_POINT);
        error / 2 + self.sum / 16
    }
}

/// A first-order lag: each period the speed covers an eighth of the way to the drive.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plant {
    /// Present speed.
    pub speed: i64,
}

impl Plant {
    /// One period under `drive`.
    pub fn step(&mut self, drive: i64) {
        self.speed += (drive - self.speed) / 8;
    }
}

#[cfg(test)]
mod tests {
    use super::{Controller, Plant, SET_POINT};

    #[test]
    fn the_speed_settles_within_one_percent_in_a_hundred_periods() {
        let (mut controller, mut plant) = (Controller::default(), Plant::default());
        for _ in 0..100 {
            plant.step(controller.step(plant.speed));
        }
        for _ in 0..1000 {
            plant.step(controller.step(plant.speed));
            assert!(
                plant.speed.abs_diff(SET_POINT) <= SET_POINT as u64 / 100,
                "{}",
                plant.speed
            );
        }
    }
}
