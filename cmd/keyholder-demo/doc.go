// Keyholder-demo is the same bot as keyholder with a Slack, an integrator.io and a Redis that run inside the process: for a laptop and for tests.
//
//	keyholder-demo [--listen 127.0.0.1:8888] [--integrator-listen 127.0.0.1:8889] [--seed N] [--faults]
//
// Between the bot and the simulators there is only the protocol: HTTP and WebSocket over loopback, and Redis's own. The configuration goes
// through the same parser as a file. What the demo has that the real thing has not is a movable clock, given to the bot and to both
// simulators, and a panel beside the page that shows integrator.io and moves the clock.
//
// # Decisions
//
//   - The cool-down is 30 seconds and the watch 2 seconds, so that a newcomer sees a whole transfer in a few minutes; every other duration is the
//     default, and the panel can move the time.
//   - Open errors warn instead of blocking, so that the first transfer is not about errors.
//   - The panel acts on integrator.io through the simulator's own control, as a browser of the invited owner would.
package main
