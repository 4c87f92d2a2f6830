// One slider and one field for each variable that stays free.

class Sliders {
  constructor(view, place) {
    this.view = view;
    this.network = view.network;
    this.controls = this.network.free.map((of, at) => this.control(of, at));
    place.append(...this.controls.map((control) => control.row));
    this.note = element("p", { class: "refusal", role: "status" });
    this.reset = element("button", { type: "button", onclick: () => this.view.move(this.initial()) }, "as the spec has it");
    place.append(element("div", { class: "setting" }, this.reset), this.note);
  }

  initial() {
    return this.network.free.map((of) => BigInt(of.number));
  }

  control(of, at) {
    const id = `${this.view.id}-${of.name}`;
    const range = element("input", { type: "range", id: `${id}-slider`, min: of.least, max: of.most, step: 1, "aria-label": of.name });
    const field = element("input", { type: "text", id, inputmode: "decimal", size: 7, autocomplete: "off" });
    range.addEventListener("input", () => this.take(at, BigInt(range.value)));
    range.addEventListener("change", () => this.view.settled());
    field.addEventListener("change", () => {
      const number = units_number(field.value, of.unit);
      if (number === null) {
        field.setAttribute("aria-invalid", "true");
        const step = units_text(1n, of.unit);
        set_text(this.note, `${of.name} takes whole numbers${step === "1" ? "" : ` of ${step}`}, not “${field.value}”`);
        return;
      }
      this.take(at, number);
      this.view.settled();
    });
    const row = element("div", { class: "setting" }, element("label", { for: id }, of.name), range, field);
    return { row, range, field };
  }

  // What the engine itself says at the setting.
  command() {
    const { network } = this;
    const moved = network.free.filter((of, at) => of.name !== "batch" && network.setting[at] !== BigInt(of.number));
    const sets = moved.map((of) => ` --set ${of.name}=${units_text(network.setting[network.free.indexOf(of)], of.unit)}`);
    return sets.length ? `(archcalc show ${network.data.name}${sets.join("")})` : "";
  }

  take(at, number) {
    const setting = [...this.network.setting];
    setting[at] = number;
    this.view.move(setting, at);
  }

  show() {
    const { network } = this;
    network.free.forEach((of, at) => {
      const { range, field } = this.controls[at];
      const number = network.setting[at];
      if (range.value !== number.toString()) range.value = number.toString();
      const text = units_text(number, of.unit);
      range.setAttribute("aria-valuetext", text);
      field.removeAttribute("aria-invalid");
      if (field.value !== text) field.value = text;
    });
    const told = network.refused.length
      ? `${network.refused[0]}${network.refused.length > 1 ? `, and ${network.refused.length - 1} more` : ""}. ` +
        `The numbers below are of the setting before. ${this.command()}`
      : "";
    set_text(this.note, told);
    this.view.section.classList.toggle("refused", network.refused.length > 0);
    this.reset.disabled = network.free.every((of, at) => network.setting[at] === BigInt(of.number));
  }
}
