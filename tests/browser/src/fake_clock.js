// A page's timers and its monotonic clock, which stand still until `advanceClock` is called. Each timer that is due
// then runs once, as in a page after a suspension.
(() => {
  let now = 0;
  let lastId = 0;
  const timers = new Map();
  const schedule = (run, delay, every) => {
    timers.set(++lastId, { run, at: now + delay, every });
    return lastId;
  };
  performance.now = () => now;
  window.setTimeout = (run, delay = 0) => schedule(run, delay);
  window.setInterval = (run, every) => schedule(run, every, every);
  window.clearTimeout = window.clearInterval = (id) => timers.delete(id);
  window.advanceClock = (milliseconds) => {
    now += milliseconds;
    for (const [id, timer] of [...timers]) {
      if (timer.at > now) continue;
      if (timer.every) timer.at = now + timer.every;
      else timers.delete(id);
      timer.run();
    }
  };
})();
