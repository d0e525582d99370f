// Package bot is Slack in and Slack out, over slack-go's Socket Mode client and Web API.
//
//	envelope -> pump -> queue -> worker: decode, identify -> Desk.Do -> ack with the answer -> private answer, form
//	claim    -> Deliver: render, post or update -> place
//
// It may import workflows, the machines, approvals, and its own rooms slackapi (the road to the Web
// API), draw (cards and forms as blocks) and roster (who people are); never store, integrator or go-redis.
//
// # Guarantees
//
//   - Commit before ack: an interactive envelope is acknowledged once [Desk].Do has answered or its
//     budget of [DeskBudget] is over. Slack never
//     sends such an envelope again, so acknowledging first would lose the click in a crash.
//   - Every click, form and command is answered: with what was recorded, with a refusal, or with "not confirmed".
//   - Exactly one acknowledgement per envelope, never blocking the reader.
//   - A payload that makes no sense records nothing and crashes nothing: it never becomes a command.
//   - A form inside which somebody clicked is replaced by its hash: of two turns at once the second
//     overwrites nothing and is told so.
//   - A request form follows what is chosen in it (modal.go): the last of several choices counts, and one that was
//     sent before it could follow is shown as the choice wants it, with nothing recorded.
//   - A file of a form is fetched before the record is asked, with the bot's token, as slackapi allows.
//   - A card has one writer, [Bot.Deliver]. After an unclear post the conversation is searched for
//     the card's own metadata, and what is found is adopted. Without a history scope that is not
//     possible; then it is posted again and the log says so. Effects and posts are therefore at
//     least once. With the scopes im:history, channels:history and groups:history a double is left
//     only where Slack carries a post out after the search that looked for it.
//   - Tokens, response addresses and the texts of cards and forms are never logged.
//
// # slack-go's hazards and what answers them
//
//	stalled consumer loses events    pump.go: one goroutine only moves events into the bot's own bounded queue
//	Ack can block for ever           ack.go: AckCtx with a time-out; write_error is logged and counted
//	no-delay reconnect loop          slackapi: a limiter on apps.connections.open, with a warning when it bites
//	no overlap on refresh            one connection is kept, see below
//	bad tokens retry for ever        run.go, fatal.go: they end Run with a sentence
//	ping watchdog is slow            alive.go: [Bot.Connected] looks at the bytes of the socket, pings included
//	handlers without recover or wait worker.go: own workers, recover, wait group, one ack
//	dispatcher leak                  the handler of slack-go is not used at all
//	incoming_error on disconnect     treated as noise
//	undecodable payload is not acked pump.go: decoded once more by our own, smaller types; acknowledged in any case
//	big acks are dropped             ack.go: an answer of ackLimit bytes or more is shortened; the dialer's
//	                                 buffer holds one frame
//	two forms of 429                 slackerr.go
//	retries can duplicate a post     none of slack-go's are switched on; the courier retries, the adoption
//	                                 makes it harmless
//	debug logs content               never switched on
//
// # Decisions
//
//   - One Socket Mode connection. Two would close the gap of a refresh (some hundred milliseconds
//     every few hours), but each click in the gap is shown as failed by Slack itself and can be
//     repeated, while servers that send each envelope to every connection would need deduplication
//     across clients and processes.
//   - The whole envelope is decoded by types of our own (payload.go), because slack-go's decode all
//     blocks of the clicked message and fail on any they
//     do not know. slack-go keeps the connection, the acks and the Web API.
//   - A command's ID is made of who, which element and Slack's own time of the click, so a
//     redelivered click is the same command; the ID of a form
//     is made of its view, so sending it twice counts once.
//   - The App Home is a short page: what waits for you, and how to start. It is published each time
//     somebody opens it. user_change and user_status_changed drop what is known of the person and
//     make packets of reviews that wait for them look; they are acknowledged first, for a packet
//     looks by itself before each reminder, too. Other events are acknowledged and ignored.
//   - A form that answers the form of the same kind replaces it in the acknowledgement. A page of a
//     review may be larger than an acknowledgement can be; then the form is closed and the page
//     opened afresh with the submission's trigger. Updating the view beside the acknowledgement was
//     not taken: which of the two arrives first is not settled.
//   - An answer that is a table has the same as text beside it. Slack is asked first whether it takes the
//     blocks (blocks.validate), because an acknowledgement with blocks that it refuses is shown to nobody. A
//     refusal is remembered until the next start.
//   - A form's command carries round and page in its ID, because a form that is shown anew keeps its view.
//   - The file of a form has [MaxFile] bytes and 1.5 s. What is slower is refused at its field with
//     nothing recorded: storing first and reading later
//     would record a file that nobody has seen.
//   - Files of a review go to the direct message of whoever asks, after the command was answered.
//     They are not an effect: nothing is recorded
//     by reading, and whoever got none asks again.
//   - internal_error of apps.connections.open is Slack's own trouble and retried, although slack-go
//     does so without end.
//   - A card that Slack refuses because of our token (invalid_auth, missing_scope, ...) is tried
//     again: the operator can repair that, and the
//     card was good.
package bot
