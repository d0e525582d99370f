// Emoji by shortcode: the ones people and apps use most. An unknown name stays as it was typed.
const list = `
grinning 😀|smiley 😃|smile 😄|grin 😁|laughing 😆|satisfied 😆|sweat_smile 😅|rolling_on_the_floor_laughing 🤣|joy 😂|slightly_smiling_face 🙂|upside_down_face 🙃|melting_face 🫠
wink 😉|blush 😊|innocent 😇|smiling_face_with_3_hearts 🥰|heart_eyes 😍|star-struck 🤩|kissing_heart 😘|yum 😋|stuck_out_tongue 😛|stuck_out_tongue_winking_eye 😜|zany_face 🤪
money_mouth_face 🤑|hugging_face 🤗|face_with_hand_over_mouth 🤭|shushing_face 🤫|thinking_face 🤔|saluting_face 🫡|zipper_mouth_face 🤐|face_with_raised_eyebrow 🤨|neutral_face 😐
expressionless 😑|no_mouth 😶|smirk 😏|unamused 😒|face_with_rolling_eyes 🙄|grimacing 😬|lying_face 🤥|relieved 😌|pensive 😔|sleepy 😪|sleeping 😴|mask 😷|nauseated_face 🤢
sneezing_face 🤧|hot_face 🥵|cold_face 🥶|dizzy_face 😵|exploding_head 🤯|partying_face 🥳|sunglasses 😎|nerd_face 🤓|face_with_monocle 🧐|confused 😕|worried 😟|slightly_frowning_face 🙁
open_mouth 😮|hushed 😯|astonished 😲|flushed 😳|pleading_face 🥺|frowning 😦|anguished 😧|fearful 😨|cold_sweat 😰|cry 😢|sob 😭|scream 😱|confounded 😖|persevere 😣|disappointed 😞
sweat 😓|weary 😩|tired_face 😫|yawning_face 🥱|triumph 😤|rage 😡|angry 😠|skull 💀|hankey 💩|ghost 👻|alien 👽|robot_face 🤖|see_no_evil 🙈|hear_no_evil 🙉|speak_no_evil 🙊
wave 👋|raised_hand ✋|hand ✋|ok_hand 👌|v ✌️|crossed_fingers 🤞|the_horns 🤘|call_me_hand 🤙|point_left 👈|point_right 👉|point_up_2 👆|point_down 👇|point_up ☝️|+1 👍|thumbsup 👍|-1 👎
thumbsdown 👎|fist ✊|facepunch 👊|clap 👏|raised_hands 🙌|open_hands 👐|handshake 🤝|pray 🙏|writing_hand ✍️|muscle 💪|eyes 👀|eye 👁️|brain 🧠|ear 👂|bust_in_silhouette 👤
busts_in_silhouette 👥|speaking_head_in_silhouette 🗣️|man-shrugging 🤷‍♂️|woman-shrugging 🤷‍♀️|shrug 🤷|facepalm 🤦|man-facepalming 🤦‍♂️|woman-facepalming 🤦‍♀️|raising_hand 🙋|bow 🙇|detective 🕵️
cop 👮|guardsman 💂|construction_worker 👷|technologist 🧑‍💻|male-technologist 👨‍💻|female-technologist 👩‍💻|running 🏃|walking 🚶|dancer 💃
heart ❤️|orange_heart 🧡|yellow_heart 💛|green_heart 💚|blue_heart 💙|purple_heart 💜|black_heart 🖤|white_heart 🤍|broken_heart 💔|sparkling_heart 💖|100 💯|anger 💢|boom 💥|collision 💥|dizzy 💫
sweat_drops 💦|dash 💨|hole 🕳️|speech_balloon 💬|thought_balloon 💭|zzz 💤|dog 🐶|cat 🐱|mouse 🐭|fox_face 🦊|bear 🐻|panda_face 🐼|lion_face 🦁|cow 🐮|pig 🐷|frog 🐸|monkey_face 🐵|chicken 🐔
penguin 🐧|bird 🐦|duck 🦆|eagle 🦅|owl 🦉|unicorn_face 🦄|bee 🐝|bug 🐛|butterfly 🦋|snail 🐌|ant 🐜|spider 🕷️|turtle 🐢|snake 🐍|octopus 🐙|crab 🦀|whale 🐳|dolphin 🐬|fish 🐟|shark 🦈|elephant 🐘
gorilla 🦍|parrot 🦜|sloth 🦥|seedling 🌱|evergreen_tree 🌲|deciduous_tree 🌳|palm_tree 🌴|cactus 🌵|herb 🌿|four_leaf_clover 🍀|maple_leaf 🍁|fallen_leaf 🍂|mushroom 🍄|rose 🌹|sunflower 🌻|tulip 🌷
cherry_blossom 🌸|bouquet 💐|apple 🍎|green_apple 🍏|pear 🍐|tangerine 🍊|lemon 🍋|banana 🍌|watermelon 🍉|grapes 🍇|strawberry 🍓|cherries 🍒|peach 🍑|pineapple 🍍|tomato 🍅|avocado 🥑|carrot 🥕|corn 🌽
bread 🍞|cheese_wedge 🧀|egg 🥚|hamburger 🍔|fries 🍟|pizza 🍕|taco 🌮|sushi 🍣|ramen 🍜|icecream 🍦|doughnut 🍩|cookie 🍪|birthday 🎂|cake 🍰|chocolate_bar 🍫|candy 🍬|popcorn 🍿|coffee ☕|tea 🍵|beer 🍺
beers 🍻|wine_glass 🍷|champagne 🍾|clinking_glasses 🥂|cocktail 🍸|earth_africa 🌍|earth_americas 🌎|earth_asia 🌏|globe_with_meridians 🌐|world_map 🗺️|mountain ⛰️|house 🏠|office 🏢|hospital 🏥|bank 🏦
school 🏫|factory 🏭|stadium 🏟️|construction 🚧|car 🚗|taxi 🚕|bus 🚌|ambulance 🚑|fire_engine 🚒|police_car 🚓|truck 🚚|bike 🚲|train 🚋|airplane ✈️|rocket 🚀|helicopter 🚁|ship 🚢|anchor ⚓|fuelpump ⛽
vertical_traffic_light 🚦|hourglass ⌛|hourglass_flowing_sand ⏳|watch ⌚|alarm_clock ⏰|stopwatch ⏱️|timer_clock ⏲️|clock1 🕐|clock3 🕒|clock6 🕕|clock9 🕘|clock12 🕛|new_moon 🌑|full_moon 🌕|crescent_moon 🌙
sunny ☀️|sun_with_face 🌞|star ⭐|star2 🌟|sparkles ✨|cloud ☁️|rain_cloud 🌧️|thunder_cloud_and_rain ⛈️|zap ⚡|snowflake ❄️|snowman ⛄|fire 🔥|droplet 💧|ocean 🌊|rainbow 🌈|umbrella ☂️
jack_o_lantern 🎃|christmas_tree 🎄|fireworks 🎆|balloon 🎈|tada 🎉|confetti_ball 🎊|ribbon 🎀|gift 🎁|ticket 🎫|trophy 🏆|medal 🏅|first_place_medal 🥇|second_place_medal 🥈|third_place_medal 🥉|soccer ⚽
basketball 🏀|tennis 🎾|dart 🎯|8ball 🎱|video_game 🎮|game_die 🎲|jigsaw 🧩|art 🎨|musical_note 🎵|notes 🎶|microphone 🎤|headphones 🎧|guitar 🎸|crown 👑|gem 💎|moneybag 💰|dollar 💵|credit_card 💳
receipt 🧾|chart 💹|email ✉️|envelope ✉️|incoming_envelope 📨|e-mail 📧|inbox_tray 📥|outbox_tray 📤|package 📦|mailbox 📫|postbox 📮|pencil2 ✏️|pencil 📝|memo 📝|briefcase 💼|file_folder 📁
open_file_folder 📂|card_index_dividers 🗂️|date 📅|calendar 📆|spiral_calendar_pad 🗓️|card_index 📇|chart_with_upwards_trend 📈|chart_with_downwards_trend 📉|bar_chart 📊|clipboard 📋|pushpin 📌
round_pushpin 📍|paperclip 📎|linked_paperclips 🖇️|straight_ruler 📏|scissors ✂️|wastebasket 🗑️|lock 🔒|unlock 🔓|lock_with_ink_pen 🔏|closed_lock_with_key 🔐|key 🔑|old_key 🗝️|hammer 🔨|axe 🪓
hammer_and_wrench 🛠️|wrench 🔧|screwdriver 🪛|nut_and_bolt 🔩|gear ⚙️|link 🔗|chains ⛓️|toolbox 🧰|magnet 🧲|test_tube 🧪|microscope 🔬|telescope 🔭|satellite 📡|syringe 💉|pill 💊|door 🚪|bed 🛏️
shopping_trolley 🛒|broom 🧹|soap 🧼|sponge 🧽|fire_extinguisher 🧯|bulb 💡|flashlight 🔦|candle 🕯️|book 📖|books 📚|notebook 📓|ledger 📒|page_facing_up 📄|page_with_curl 📃|scroll 📜|newspaper 📰
bookmark 🔖|label 🏷️|iphone 📱|phone ☎️|telephone_receiver 📞|battery 🔋|electric_plug 🔌|computer 💻|desktop_computer 🖥️|printer 🖨️|keyboard ⌨️|floppy_disk 💾|cd 💿|camera 📷|movie_camera 🎥|tv 📺
mag 🔍|mag_right 🔎|bell 🔔|no_bell 🔕|loudspeaker 📢|mega 📣|shield 🛡️|ballot_box_with_ballot 🗳️|scales ⚖️|balance_scale ⚖️|vertical_flag 🏳️|triangular_flag_on_post 🚩|checkered_flag 🏁|white_flag 🏳️
white_check_mark ✅|heavy_check_mark ✔️|ballot_box_with_check ☑️|x ❌|negative_squared_cross_mark ❎|heavy_multiplication_x ✖️|heavy_plus_sign ➕|heavy_minus_sign ➖|heavy_division_sign ➗|question ❓
grey_question ❔|exclamation ❗|grey_exclamation ❕|bangbang ‼️|interrobang ⁉️|warning ⚠️|no_entry ⛔|no_entry_sign 🚫|octagonal_sign 🛑|rotating_light 🚨|sos 🆘|recycle ♻️|information_source ℹ️|radioactive_sign ☢️
arrow_up ⬆️|arrow_down ⬇️|arrow_left ⬅️|arrow_right ➡️|arrow_upper_right ↗️|arrow_lower_right ↘️|left_right_arrow ↔️|arrows_counterclockwise 🔄|arrows_clockwise 🔃|repeat 🔁|leftwards_arrow_with_hook ↩️
arrow_right_hook ↪️|twisted_rightwards_arrows 🔀|fast_forward ⏩|rewind ⏪|arrow_forward ▶️|double_vertical_bar ⏸️|black_square_for_stop ⏹️|back 🔙|end 🔚|on 🔛|soon 🔜|top 🔝|new 🆕|free 🆓|up 🆙|cool 🆒|ok 🆗
red_circle 🔴|large_orange_circle 🟠|large_yellow_circle 🟡|large_green_circle 🟢|large_blue_circle 🔵|large_purple_circle 🟣|white_circle ⚪|black_circle ⚫|red_square 🟥|large_green_square 🟩|large_yellow_square 🟨
large_blue_square 🟦|white_large_square ⬜|black_large_square ⬛|small_red_triangle 🔺|small_blue_diamond 🔹|small_orange_diamond 🔸|large_blue_diamond 🔷|radio_button 🔘|one 1️⃣|two 2️⃣|three 3️⃣|four 4️⃣
five 5️⃣|six 6️⃣|seven 7️⃣|eight 8️⃣|nine 9️⃣|zero 0️⃣|keycap_ten 🔟|hash #️⃣|copyright ©️|registered ®️|tm ™️|infinity ♾️|heavy_dollar_sign 💲|slack 💬|us 🇺🇸|gb 🇬🇧|eu 🇪🇺|de 🇩🇪|fr 🇫🇷|es 🇪🇸|it 🇮🇹|jp 🇯🇵`;

const known = new Map(list.trim().split(/[\n|]/).map(entry => entry.split(' ')));

// emoji returns the character of a name without its colons, undefined when it is not known. A skin tone is left out.
export function emoji(name) { return known.get(name) || (/^skin-tone-[2-6]$/.test(name) ? '' : undefined); }

// emojiNames lists the names that begin with a text, at most some.
export function emojiNames(start, most) {
  const out = [];
  for (const [name, shown] of known) if (name.startsWith(start) && out.push({ name, shown }) === most) break;
  return out;
}
