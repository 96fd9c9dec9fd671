package main

import (
	cdk "github.com/aws/aws-cdk-go/awscdk/v2"
	iam "github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	interfaces "github.com/aws/aws-cdk-go/awscdk/v2/interfaces/interfacesawsiam"
	"github.com/aws/jsii-runtime-go"
	virtualmfa "github.com/cdk-iam-virtual-mfa/cdk-iam-virtual-mfa-go/cdkiamvirtualmfa"
)

// A team in which everybody needs MFA.
func main() {
	defer jsii.Close()
	app := cdk.NewApp(nil)
	stack := cdk.NewStack(app, jsii.String("Team"), nil)

	staff := iam.NewGroup(stack, jsii.String("Staff"), nil)
	ofStaff := &iam.UserProps{Groups: &[]iam.IGroup{staff}}
	virtualmfa.NewMfaEnforcementPolicy(stack, jsii.String("MfaEnforcement"), &virtualmfa.MfaEnforcementPolicyProps{
		Groups:         &[]interfaces.IGroupRef{staff},
		SelfEnrollment: jsii.Bool(false),
	})

	// A robot's device, with a new seed each month. A role may ask for its codes, but cannot read its seed.
	robot := iam.NewUser(stack, jsii.String("Robot"), ofStaff)
	mfa := virtualmfa.NewVirtualMfaDevice(stack, jsii.String("RobotMfa"), &virtualmfa.VirtualMfaDeviceProps{
		User:     robot,
		Issuer:   jsii.String("Example Corp"),
		Rotation: &virtualmfa.VirtualMfaDeviceRotation{AutomaticallyAfter: cdk.Duration_Days(jsii.Number(30))},
	})
	runner := iam.NewRole(stack, jsii.String("Runner"), &iam.RoleProps{
		AssumedBy: iam.NewServicePrincipal(jsii.String("codebuild.amazonaws.com"), nil),
	})
	mfa.GrantCode(runner)

	// The mixin gives a device to one user, to all users declared so far, or to those declared later, too.
	alice := iam.NewUser(stack, jsii.String("Alice"), ofStaff)
	alice.With(virtualmfa.NewVirtualMfa(&virtualmfa.VirtualMfaDeviceOptions{Issuer: jsii.String("Example Corp")}))
	iam.NewUser(stack, jsii.String("Carol"), ofStaff)
	cdk.Mixins_Of(app, nil).Apply(virtualmfa.NewVirtualMfa(nil))
	cdk.Aspects_Of(stack).Add(cdk.Shims_AsAspect(virtualmfa.NewVirtualMfa(nil)), nil)
	iam.NewUser(stack, jsii.String("Dave"), ofStaff)

	// Looks at all these devices every 15 minutes, and enables again what somebody has deactivated.
	virtualmfa.NewVirtualMfaWatch(stack, jsii.String("Watch"), &virtualmfa.VirtualMfaWatchProps{Repair: jsii.Bool(true)})

	virtualmfa.MfaCoverage_Of(app).Require(nil)
	app.Synth(nil)
}
