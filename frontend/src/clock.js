// Time of the player: which frame is shown, playing or not, how fast.

export class Clock {
  /** @param changed called whenever the frame changed or playing began or ended. */
  constructor(changed) {
    this.changed = changed;
    this.frame = 0;
    this.frames = 1;
    this.fps = 1;
    this.speed = 1;
    this.loop = true;
    this.playing = false;
    this.tick = this.tick.bind(this);
  }

  start(frames, fps) {
    this.frames = frames;
    this.fps = fps;
    this.seek(0);
  }

  seek(frame) {
    this.frame = Math.min(Math.max(Math.round(frame), 0), this.frames - 1);
    this.time = this.frame;
    this.changed();
  }

  toggle() {
    this.playing = !this.playing && this.frames > 1;
    if (this.playing) {
      if (this.frame === this.frames - 1) this.seek(0);
      this.last = null;
      requestAnimationFrame(this.tick);
    }
    this.changed();
  }

  pause() {
    if (this.playing) this.toggle();
  }

  tick(now) {
    if (!this.playing) return;
    const passed = this.last === null ? 0 : Math.min((now - this.last) / 1000, 0.25);
    this.last = now;
    this.time += passed * this.speed * this.fps;
    if (this.time >= this.frames) {
      if (this.loop) {
        this.time %= this.frames;
      } else {
        this.playing = false;
        this.seek(this.frames - 1);
        return;
      }
    }
    const frame = Math.floor(this.time);
    if (frame !== this.frame) {
      this.frame = frame;
      this.changed();
    }
    requestAnimationFrame(this.tick);
  }
}
