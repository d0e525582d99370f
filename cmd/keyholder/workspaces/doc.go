// Package workspaces runs a Keyholder for each of several configurations in one process, or for the
// only one, and reads them anew when it is told to. It may import config, serve and the words of
// workflows; what a workspace does is none of its business.
//
// # Guarantees
//
//   - Each workspace has its own record, connections, goroutines, log field and metrics. One that
//     fails, panics in a loop of its own, is refused by Slack or cannot reach its Redis ends or
//     waits by itself: it is tried again after 5 s, doubling to 5 min, and the others go on.
//   - A configuration with faults is not started; one that runs goes on as it was when its file has faults after a
//     change. Two that may not be beside each other are both refused at the start; later the one that runs stays.
//   - What is told to stop has ended before anything that may take its place begins: a file that is renamed never runs
//     twice.
//   - When the context ends all of them end, each within its own 10 s, and Run answers nil.
//   - One configuration alone behaves as the program always did: its metrics carry no name, and what cannot be mended
//     by waiting ends Run with an error.
//
// # Decisions
//
//   - A workspace is known by its file's name, for that is what operators see in a folder.
//   - /readyz is 503 while any workspace is not ready, and names each that is not; /readyz/NAME is about one.
//   - What is shared is the process: its memory, its processors, the address for operators, and with REDIS_URL a Redis.
//     A panic in a goroutine that a library began, as that of the socket to Slack, ends the process all the same.
package workspaces
