// Everything works without this script. It adds copy buttons, a countdown, local times, and hides tokens again.

const HIDE_AFTER = 60_000;
const COPIED_FOR = 2_000;
// The page's seconds stand still while the machine sleeps.
const SLEPT = 90_000;

const announcement = document.getElementById('announcement');

function announce(text) {
  announcement.textContent = '';
  setTimeout(() => { announcement.textContent = text; }, 50);
}

// Some browsers keep a page for their Back button in spite of `no-store`. After a logout it must not come back.
addEventListener('pageshow', (event) => {
  if (event.persisted) location.reload();
});

// What a button has done is said once, not again when the page is loaded again.
if (new URLSearchParams(location.search).has('done')) history.replaceState(null, '', location.pathname);

// Copying. A token is copied whether or not it is shown, so that it need not appear on a shared screen.

function select(element) {
  for (let fold = element.closest('details'); fold; fold = fold.parentElement.closest('details')) fold.open = true;
  getSelection().selectAllChildren(element);
  element.focus();
}

for (const button of document.querySelectorAll('button[data-copy]')) {
  button.hidden = false;
  const label = [...button.childNodes];
  let timer;
  button.addEventListener('click', async () => {
    const source = document.getElementById(button.dataset.copy);
    clearTimeout(timer);
    try {
      await navigator.clipboard.writeText(source.textContent);
      button.textContent = 'Copied';
      announce('Copied');
    } catch {
      select(source);
      button.textContent = 'Press Ctrl+C';
      announce('The browser did not allow copying. The text is selected: press Ctrl+C, or Cmd+C on a Mac.');
    }
    timer = setTimeout(() => button.replaceChildren(...label), COPIED_FOR);
  });
}

// Tokens that were revealed hide again.

const secrets = [...document.querySelectorAll('.secret details')];

for (const secret of secrets) {
  let timer;
  secret.addEventListener('toggle', () => {
    clearTimeout(timer);
    if (secret.open) timer = setTimeout(() => { secret.open = false; }, HIDE_AFTER);
  });
}

document.addEventListener('visibilitychange', () => {
  if (document.hidden) for (const secret of secrets) secret.open = false;
});

// Times in the reader's own time zone.

function day(time) {
  const midnight = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate());
  const names = new Map([[-1, 'yesterday'], [0, 'today'], [1, 'tomorrow']]);
  const days = Math.round((midnight(time) - midnight(new Date())) / 86_400_000);
  return names.get(days) ?? time.toLocaleDateString('en-GB', { day: 'numeric', month: 'long', year: 'numeric' });
}

for (const element of document.querySelectorAll('time')) {
  const time = new Date(element.dateTime);
  const clock = time.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit', timeZoneName: 'short' });
  element.textContent = `${day(time)}, ${clock}`;
}

// The countdown starts from the server's seconds: the clock of this machine may be wrong.

const loaded = performance.now();
const passed = () => (performance.now() - loaded) / 1000;
const counters = [...document.querySelectorAll('[data-seconds]')];
const reloadIn = Number(document.querySelector('[data-reload]')?.dataset.reload ?? Infinity);

function timeLeft(seconds) {
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}

let before = Date.now();
let announced = false;

function tick() {
  for (const counter of counters) {
    const left = Math.max(0, Math.floor(counter.dataset.seconds - passed()));
    counter.textContent = timeLeft(left);
    if (left === 0 && !announced) {
      announced = true;
      announce('The access token has expired.');
    }
  }
  const slept = Date.now() - before > SLEPT;
  before = Date.now();
  const busy = document.hidden || secrets.some((secret) => secret.open);
  if (!busy && (slept || passed() > reloadIn)) location.reload();
}

if (counters.length > 0 || reloadIn < Infinity) {
  tick();
  setInterval(tick, 1000);
}
