"""From tensors to a picture: `marimo edit examples/attack.py`, or `python examples/attack.py`.

feint does not depend on marimo: pip install marimo matplotlib.
"""

import marimo

app = marimo.App()


@app.cell
def data():
    import torch

    torch.manual_seed(0)
    time = torch.linspace(0, 6.3, 60)
    phase = 6.3 * torch.rand(128, 1)
    x = torch.stack([torch.sin(time + phase), torch.cos(2 * time + phase)], dim=-1)
    y = torch.stack([x[..., 0] * x[..., 1], x[..., 0].roll(5, 1)], dim=-1)  # the right output
    return x, y


@app.cell
def reactor(x, y):
    import feint

    model = feint.TCN(2, 2, width=24, depth=4)
    inputs, outputs = feint.Sequences.pad(list(x)), feint.Sequences.pad(list(y))
    feint.train(
        model, inputs, outputs, feint.Training(epochs=25, batch_size=32, learning_rate=5e-3)
    )
    return feint, model


@app.cell
def attacked(feint, model, x, y):
    target = 0.5 * y[0]  # the right output, half as large
    found = feint.attack(model, x[0], target, eps=0.3, kappa=10.0, steps=100)
    print(found)
    return found, target


@app.cell
def picture(found, target, x):
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3), layout="constrained")
    left.set(title="input (dashed: perturbed)", xlabel="frame")
    left.plot(x[0], color="grey")
    left.plot(found.x_adv, linestyle="--")
    right.set(title="output (dashed: attacked; dotted: the target)", xlabel="frame")
    right.plot(found.answer_before.values[0], color="grey")
    right.plot(found.answer_after.values[0], linestyle="--")
    right.plot(target, color="black", linestyle=":")
    figure.savefig("attack.png")
    return (figure,)


if __name__ == "__main__":
    app.run()
