//go:build race

package machinetest

// raceDetector slows every story down about tenfold, so fewer are told.
const raceDetector = true
