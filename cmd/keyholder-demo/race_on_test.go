//go:build race

package main

// raceDetector slows everything in this process down several times, so fewer tests run at once and
// fewer combinations are tried.
const raceDetector = true
