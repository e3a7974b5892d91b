// Everything works without this script; it adds copy buttons and a countdown.

// Some browsers keep a page for their Back button in spite of `no-store`. After a logout it must not come back.
addEventListener('pageshow', (event) => {
  if (event.persisted) location.reload();
});

// A token is copied whether or not it is shown, so that it need not appear on a shared screen.
for (const button of document.querySelectorAll('button[data-copy]')) {
  if (!navigator.clipboard) break;
  button.hidden = false;
  const label = [...button.childNodes];
  let since;
  button.addEventListener('click', async () => {
    clearTimeout(since);
    try {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
      button.textContent = 'Copied';
    } catch {
      button.textContent = 'Not copied';
    }
    since = setTimeout(() => button.replaceChildren(...label), 2000);
  });
}

function timeLeft(milliseconds) {
  const seconds = Math.floor(milliseconds / 1000);
  if (seconds <= 0) return 'expired';
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  if (hours > 0) return `${hours} h ${minutes} min left`;
  return minutes > 0 ? `${minutes} min ${seconds % 60} s left` : `${seconds} s left`;
}

for (const element of document.querySelectorAll('[data-expires]')) {
  const end = Date.parse(element.dataset.expires);
  const show = () => {
    const left = end - Date.now();
    element.textContent = timeLeft(left);
    element.classList.toggle('expired', left <= 0);
  };
  show();
  setInterval(show, 1000);
}
