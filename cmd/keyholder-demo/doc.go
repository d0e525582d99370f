// Keyholder-demo is the same bot as keyholder with a Slack, an integrator.io and a Redis that run
// inside the process: for a laptop and for tests.
//
//	keyholder-demo [--listen 127.0.0.1:8888] [--integrator-listen 127.0.0.1:8889] [--seed N] [--faults]
//	keyholder-demo slack [--manifest FILE] [--people FILE] [--listen 127.0.0.1:8888] [--seed N]
//
// The second runs the Slack alone, for a bot of somebody's own (slack.go): its app is what the
// manifest says, its people are those of a file, and the panel beside the page moves the time. YAML
// and JSON are read by go-yaml.
//
// Between the bot and the simulators there is only the protocol: HTTP and WebSocket over loopback,
// and Redis's own. The configuration goes through the same parser as a file. What the demo has that
// the real thing has not is a movable clock, given to the bot and to both simulators, and a panel
// beside the page: a tour, integrator.io as its simulator sees it, what others may do there behind
// the bot's back, and the time.
//
// Letters of the bot end in a mail server of the demo's own on loopback (mailroom.go), so that the
// real way of sending is used; the panel shows them beside the mails of integrator.io, and can
// switch a mailbox off.
//
// # Decisions
//
//   - The panel signs in as the owner for whoever asks: the audit log does not say who sat there,
//     and in the night nobody says that it was them.
//   - The cool-down is 30 seconds and the watch 2 seconds, so that a newcomer sees a whole transfer
//     in a few minutes; every other duration is the
//     default, and the panel can move the time.
//   - Open errors warn instead of blocking, so that the first transfer is not about errors.
//   - The tour keeps nothing but the moment of its last restart. Its ticks are read from both
//     simulators: from cards (by the metadata they carry, and by the notification lines "Confirm:
//     ..." and "Confirmed: ..."), from answers that say "Nothing was recorded", and from the
//     transfers of integrator.io. So clicks in the panel tick nothing, and it does not matter who
//     did a step, or where.
//   - Making the mailbox a user is ticked when Keyholder asks for confirmations, not when
//     integrator.io knows: whoever moves the time right after the
//     tick moves it for the next step.
//   - The panel tells everything over one event stream. Slack wakes it; integrator.io, which tells
//     nobody, and the clock are looked at four times a second.
//   - Each of the other tours (tours.go) begins in a world of its own, where the mailbox mostly
//     owns the account already: who wants to see a recovery should not have to hand an account over
//     first. Their ticks are read from the cards and private answers of their workflows; what can
//     no longer be done is passed by. The review's world has five users, so that it takes minutes.
//   - A name in a step is a link, which asks the page around the panel to act as that person, at
//     their newest card with a button. It never presses anything.
//   - A fresh world is another demo in the same process: everything of the one before ends, its
//     Redis too, and the next one listens at the same
//     addresses with the same seed. The page loads itself again when it answers.
//   - Requests that another site makes from the same browser are refused on both ports, whatever
//     their method, and so is any Host but an address,
//     localhost and what --listen names (guard.go); nothing is loaded from outside.
//   - Chromium is driven by roles and names alone, so that the tests hold for any page that people
//     with a screen reader can use, too.
//   - The panel acts on integrator.io through the simulator's own control, as a browser of the invited owner would.
package main
