// Package worktime answers when people work and when things are due for them: working hours and
// days in anybody's time zone, the reminders of something that is due, the periods of a calendar
// and the day on which each of them opens.
//
// The machines share it; it is pure, and imports the standard library and the words of workflows.
// All its answers are in UTC.
//
// # Guarantees
//
//   - The same question has the same answer on every machine: zones are IANA names, "Local" is
//     none, and an unknown one is said so where a configuration is read, and taken for the house's
//     own where a person's is.
//   - Clocks that are put on or back, or skip a day, neither lose a working moment nor an opening.
//   - Periods tile time: each moment is in one, and each period opens once, within itself.
//   - Nobody is reminded twice on a working day of theirs, and never outside working hours where
//     there is another way.
//
// # Decisions
//
//   - A day of the calendar is counted by its date, for it has 23 to 25 hours.
//   - A day that a calendar names is not moved to a working day: whoever writes 1 means the first,
//     and finds it there.
//   - Series are never listed, as a policy may ask for a reminder in each second of a year: each
//     answer is found by search.
package worktime
